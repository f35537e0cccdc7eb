"""How money is owed, invoiced and collected as time passes. It knows documents and moments, and no HTTP."""
