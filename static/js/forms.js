// A form that was sent can't be sent twice. A form that the browser brings back is usable again.
export function setUpForms() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.isSent) {
      event.preventDefault();
      return;
    }
    form.dataset.isSent = "yes";
    // After this event, since a disabled button's name and value would not be sent.
    setTimeout(() => setDisabled(form, true));
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const form of document.querySelectorAll("form[data-is-sent]")) {
      delete form.dataset.isSent;
      setDisabled(form, false);
    }
  });
}

function setDisabled(form, isDisabled) {
  for (const button of form.elements) if (button.type === "submit") button.disabled = isDisabled;
}
