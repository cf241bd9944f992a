// A dialog holds the keyboard while it is open, and gives it back to the button that opened it.

let opener = null;

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-opens-dialog]");
  if (button) opener = button;
  if (event.target.closest("[data-closes-dialog]")) giveBack();
});

document.addEventListener("keydown", (event) => {
  const dialog = document.getElementById("dialog");
  if (!dialog || !dialog.offsetParent) return;
  if (event.key === "Escape") giveBack();
  if (event.key === "Tab") keepInside(dialog, event);
});

function giveBack() {
  window.setTimeout(() => opener?.focus(), 50);
}

function keepInside(dialog, event) {
  const stops = [...dialog.querySelectorAll("a[href], button, input, select, textarea")].filter(
    (element) => !element.disabled && element.type !== "hidden",
  );
  const [from, to] = event.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
  if (document.activeElement === from || !dialog.contains(document.activeElement)) {
    event.preventDefault();
    to?.focus();
  }
}
