"""What the commands in bin/ are made of: the Python environment, local servers, and the children they start."""
