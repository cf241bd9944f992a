// The page of a new import: a file is dropped or chosen, and sent with its progress shown.
// Without this script the form is sent as any other, and everything works but the progress.

const form = document.getElementById("upload-form");
const part = (name) => form.querySelector(`[data-upload="${name}"]`);
const MEGABYTE = 1024 * 1024;
const ANNOUNCE_PERCENT = 25;
form.elements.file.hasChangeListener = true; // the theme's own listener expects its own markup
let sending = null;
let announced = -1;

form.addEventListener("change", (event) => event.target.type === "file" && show(event.target.files[0]));
form.addEventListener("submit", send);
part("stop").addEventListener("click", () => sending?.abort());
window.addEventListener("beforeunload", (event) => sending && event.preventDefault());

for (const name of ["dragenter", "dragover"]) drop().addEventListener(name, () => drop().classList.add("is-over"));
for (const name of ["dragleave", "drop"]) drop().addEventListener(name, () => drop().classList.remove("is-over"));
// A file that misses the field must not replace the page.
for (const name of ["dragover", "drop"]) {
  window.addEventListener(name, (event) => event.target.type === "file" || event.preventDefault());
}
show(form.elements.file.files[0]); // the browser keeps a choice when one comes back

function drop() {
  return part("drop");
}

function show(file) {
  refuse(file ? complaint(file) : "");
  if (!file) return;
  part("name").textContent = file.name;
  part("size").textContent = `${size(file.size)}. Choose or drop another to replace it.`;
}

function complaint(file) {
  if (!file.size) return `${file.name} is empty. Choose the file with the rows.`;
  if (file.size <= Number(form.dataset.mostBytes)) return "";
  return `${file.name} has ${size(file.size)}; ${size(Number(form.dataset.mostBytes))} is the most. Split it, and import the parts.`;
}

function refuse(text) {
  part("refusal").textContent = text;
  part("refusal").hidden = !text;
  if (text) form.elements.file.setAttribute("aria-invalid", "true");
  else form.elements.file.removeAttribute("aria-invalid");
}

function send(event) {
  event.preventDefault();
  const file = form.elements.file.files[0];
  const problem = file ? complaint(file) : "Choose a file first.";
  refuse(problem);
  if (problem) {
    form.elements.file.focus();
    return;
  }
  sending = new XMLHttpRequest();
  const start = performance.now();
  sending.upload.addEventListener("progress", (progress) => tell(progress, (performance.now() - start) / 1000));
  sending.addEventListener("loadend", () => settle(sending));
  sending.open("POST", form.action);
  sending.setRequestHeader("X-Requested-With", "XMLHttpRequest");
  sending.responseType = "json";
  sending.send(new FormData(form));
  busy(true);
}

function tell({ loaded, total }, seconds) {
  const percent = Math.floor((loaded * 100) / total);
  part("progress").value = percent;
  const left = loaded ? Math.ceil(((total - loaded) * seconds) / loaded) : 0;
  part("figures").textContent =
    loaded < total
      ? `${percent} %, ${size(loaded)} of ${size(total)}, ${size(loaded / Math.max(seconds, 0.1))} a second, ${left} s left`
      : "Arrived. One moment …";
  const step = Math.floor(percent / ANNOUNCE_PERCENT);
  if (step > announced) part("heard").textContent = `${percent} percent sent.`;
  announced = Math.max(announced, step);
}

function settle(request) {
  sending = null;
  if (request.status >= 200 && request.status < 300 && request.response?.location) {
    window.location.assign(request.response.location);
    return;
  }
  busy(false);
  refuse(request.response?.error ?? reason(request));
  part("refusal").focus();
}

function reason(request) {
  if (request.status === 413) return "The file is too large for this server. Split it, and import the parts.";
  if (request.status === 403) return "Your log-in has ended or lacks the right to import. Reload the page.";
  if (request.status) return `The server answered ${request.status}. Try again.`;
  return "The upload was stopped or the connection was lost. Nothing was kept; send it again.";
}

function busy(is) {
  part("sending").hidden = !is;
  part("submit").disabled = is;
  drop().hidden = is;
  announced = -1;
  if (is) part("stop").focus();
}

function size(bytes) {
  if (bytes < 1024) return `${Math.round(bytes)} bytes`;
  if (bytes < MEGABYTE) return `${Math.round(bytes / 1024)} kB`;
  return `${(bytes / MEGABYTE).toFixed(1)} MB`;
}
