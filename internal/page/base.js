// ---- the page ---------------------------------------------------------------------

const byID = (id) => document.getElementById(id);
const clamp = (x, low, high) => Math.max(low, Math.min(high, x));

// make builds an element. Texts are set as text, never as markup.
function make(name, attributes = {}, ...children) {
  const svg = ["svg", "g", "path", "line", "text", "circle"].includes(name);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
function number(x) {
  const a = Math.abs(x);
  if (a >= 100 || Number.isInteger(x)) return plain.format(x).replaceAll(",", a >= 1e4 ? "\u2009" : "");
  return x.toFixed(a >= 10 ? 1 : 2);
}

const counted = (n, name) => number(n) + " " + name + (n === 1 ? "" : "s");

// amount prints an amount of GPUs, parts of which are held.
const amount = (x) => { const tenths = Math.round(10 * x) / 10; return number(tenths) === tenths.toFixed(2) ? tenths.toFixed(1) : number(tenths); };

const units = [["d", 86400000], ["h", 3600000], ["m", 60000], ["s", 1000]];
// span prints milliseconds by their two largest units.
function span(ms) {
  if (ms < 1000) return Math.round(ms) + (ms ? "ms" : "");
  if (ms < 60000) return +(ms / 1000).toFixed(1) + "s";
  let text = "", parts = 0, left = Math.round(ms / 1000) * 1000;
  for (const [name, size] of units) {
    const n = Math.floor(left / size);
    if (n > 0 || parts > 0) {
      parts++;
      if (n > 0) text += (text ? " " : "") + n + name;
      left -= n * size;
    }
    if (parts === 2) break;
  }
  return text;
}

// ---- the tooltip ------------------------------------------------------------------

const tip = byID("tip"), said = byID("said");
function showTip(x, y, children, aloud) {
  tip.replaceChildren(...children);
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  let left = x + 14, top = y + 14;
  if (left + box.width > innerWidth - 6) left = x - box.width - 14;
  if (top + box.height > innerHeight - 6) top = y - box.height - 14;
  tip.style.left = clamp(left, 6, Math.max(6, innerWidth - box.width - 6)) + "px";
  tip.style.top = clamp(top, 6, Math.max(6, innerHeight - box.height - 6)) + "px";
  if (aloud) said.textContent = [...tip.children].map((line) => line.innerText.replace(/\s+/g, " ")).join("; ");
}
function hideTip() { tip.hidden = true; }
addEventListener("scroll", hideTip, { passive: true });

function line(colour, name, value) {
  const swatch = make("i");
  if (colour) swatch.style.background = colour;
  return make("div", {}, swatch, make("span", { class: "name" }, name), make("span", { class: "value" }, value));
}
const dim = (text) => make("div", { class: "dim" }, text);
