(() => {
"use strict";

// ---- the page ---------------------------------------------------------------------

const data = JSON.parse(document.getElementById("data").textContent);
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
const policyColour = (i) => "var(--p" + (i % 8) + ")";
const dashes = ["", "7 3", "2 3", "9 3 2 3", "12 4", "4 2 1 2 1 2", "5 5", "1 4"];
const policyDash = (i) => dashes[(i + Math.floor(i / 8)) % dashes.length];

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

// ---- charts -----------------------------------------------------------------------

const hidden = new Set();
let mappedTime = null, pickTime = null; // set by the map
const charts = [];

const tickText = (t) => Math.abs(t) >= 100 ? number(t) : String(+t.toPrecision(4));

function niceTicks(low, high, count) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough || 1));
  const step = [1, 2, 2.5, 5, 10].map((f) => f * power).find((s) => s >= rough * 0.999);
  const ticks = [];
  for (let i = Math.ceil(low / step); i * step <= high * 1.0001; i++) ticks.push(i * step);
  return ticks;
}

const timeSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 108e5, 216e5, 432e5, 864e5, 1728e5, 2592e5, 3456e5, 6048e5, 12096e5, 25920e5, 77760e5];
function timeTicks(high, count) {
  const step = timeSteps.find((s) => high / s <= count) || 155520e5;
  const ticks = [];
  for (let t = 0; t <= high * 1.0001; t += step) ticks.push(t);
  return ticks;
}

const waitMarks = [1, 10, 100, 1e3, 1e4, 6e4, 6e5, 36e5, 864e5, 864e6, 864e7, 864e8];
const fineMarks = [1, 3, 10, 30, 100, 300, 1e3, 3e3, 1e4, 3e4, 6e4, 18e4, 6e5, 18e5, 36e5, 108e5, 216e5, 432e5, 864e5, 1728e5, 432e6, 864e6, 2592e6, 864e7, 2592e7, 864e8];

// scales of a chart: from values to 0..1, with marks.
function scaleX(axis, series, width) {
  if (axis.kind === "rank") {
    const at = (percent) => percent >= 100 ? 1 : -Math.log10(1 - percent / 100) / 2.6;
    const first = Math.min(...series.flatMap((s) => s.x), 50);
    const from = at(first);
    const marks = [50, 90, 99].filter((p) => p >= first);
    return { at: (p) => (at(p) - from) / (1 - from), marks: [...marks.map((p) => [p, String(p)]), [100, "all"]] };
  }
  const high = axis.max || Math.max(1, ...series.map((s) => s.x[s.x.length - 1]));
  const count = clamp(Math.floor(width / 60), 2, 9);
  const ticks = axis.kind === "time" ? timeTicks(high, count) : niceTicks(0, high, count);
  return { at: (x) => x / high, marks: ticks.map((t) => [t, axis.kind === "time" ? span(t) : tickText(t)]) };
}
function scaleY(axis, series) {
  const values = series.flatMap((s) => s.high || s.y);
  if (axis.kind === "wait") {
    const positive = series.flatMap((s) => [...(s.low || []), ...s.y]).filter((v) => v > 0);
    const top = Math.max(1000, ...values), least = Math.min(top, ...positive);
    const within = (marks) => marks.filter((m) => m <= top * 1.3 && (m >= least || m === Math.max(1, ...marks.filter((n) => n <= least))));
    const marks = within(waitMarks).length > 2 ? within(waitMarks) : within(fineMarks);
    const bottom = marks[0], zero = Math.log10(bottom) - 0.15 * Math.log10(top * 1.3 / bottom), range = Math.log10(top * 1.3) - zero;
    return { at: (v) => v <= 0 ? 0 : (Math.log10(Math.max(v, bottom)) - zero) / range, marks: [[0, "0"], ...marks.map((m) => [m, span(m)])] };
  }
  let high = Math.max(0, ...values);
  high = axis.max ? Math.max(axis.max, high) : high * 1.06 || 1;
  return { at: (v) => v / high, marks: niceTicks(0, high, 4).map((t) => [t, tickText(t)]) };
}

const printX = (axis, x) => axis.kind === "time" ? span(x) : axis.kind === "rank" ? (x >= 100 ? "all of the jobs" : x + " % of the jobs") : number(x) + " % asked for";
const printY = (axis, y) => axis.kind === "wait" ? (y > 0 ? span(y) : "no wait") : axis.unit === "$/h" ? "$" + (y >= 1000 ? number(y) : y.toFixed(2)) : number(y) + (axis.unit === "jobs" || axis.unit === "GPUs" ? "" : " " + axis.unit);

function addChart(spec) {
  const host = byID("chart-" + spec.id);
  if (!host) return;
  const chart = { spec, host, cursor: null };
  const shown = () => spec.series.filter((s) => !hidden.has(s.policy));

  chart.draw = () => {
    const width = host.clientWidth, height = host.clientHeight;
    if (width < 50) return;
    const series = shown();
    const left = 46, right = 14, top = 20, bottom = 34;
    const w = width - left - right, h = height - top - bottom;
    const sx = scaleX(spec.x, spec.series, w), sy = scaleY(spec.y, spec.series);
    const X = (x) => left + w * sx.at(x), Y = (y) => top + h * (1 - clamp(sy.at(y), 0, 1));
    const p = (n) => n.toFixed(1);
    const svg = make("svg", { width, height, viewBox: `0 0 ${width} ${height}`, tabindex: "0", role: "img", "aria-label": spec.title + ". " + host.dataset.words + ". Arrow keys read values." });
    svg.append(make("text", { x: 2, y: 11 }, spec.y.label));
    for (const [value, label] of sy.marks) {
      svg.append(make("line", { class: value ? "grid" : "base", x1: left, x2: left + w, y1: p(Y(value)), y2: p(Y(value)) }));
      svg.append(make("text", { x: left - 6, y: p(Y(value) + 4), "text-anchor": "end" }, label));
    }
    let lastLabel = -99;
    for (const [value, label] of sx.marks) {
      const x = X(value);
      svg.append(make("line", { class: "base", x1: p(x), x2: p(x), y1: top + h, y2: top + h + 4 }));
      const length = label.length * 6.4, anchor = x + length / 2 > width ? "end" : "middle";
      const start = anchor === "end" ? x - length : x - length / 2;
      if (start < lastLabel + 4) continue;
      lastLabel = start + length;
      svg.append(make("text", { x: p(x), y: top + h + 15, "text-anchor": anchor }, label));
    }
    svg.append(make("text", { x: p(left + w / 2), y: height - 4, "text-anchor": "middle" }, spec.x.label));
    for (const s of series) {
      if (s.low) {
        const up = s.x.map((x, i) => p(X(x)) + " " + p(Y(s.high[i]))), down = s.x.map((x, i) => p(X(x)) + " " + p(Y(s.low[i]))).reverse();
        svg.append(make("path", { class: "band", fill: policyColour(s.policy), d: "M" + up.join("L") + "L" + down.join("L") + "Z" }));
      }
    }
    for (const s of series) {
      const d = s.x.map((x, i) => p(X(x)) + " " + p(Y(s.y[i])));
      svg.append(make("path", { class: "line", stroke: policyColour(s.policy), "stroke-dasharray": policyDash(s.policy), "data-policy": data.policies[s.policy], d: "M" + (d.length === 1 ? d[0] + "h0.1" : d.join("L")) }));
      if (s.x.length <= 12) s.x.forEach((x, i) => svg.append(make("circle", { cx: p(X(x)), cy: p(Y(s.y[i])), r: 2.6, fill: policyColour(s.policy) })));
    }
    if (!series.length) svg.append(make("text", { class: "none", x: left + w / 2, y: top + h / 2, "text-anchor": "middle" }, "every policy is switched off"));
   
    chart.marker = make("line", { class: "mapped", y1: top, y2: top + h });
    chart.hover = make("g");
    svg.append(chart.marker, chart.hover);
    chart.mark = () => {
      const on = spec.x.kind === "time" && mappedTime !== null;
      chart.marker.setAttribute("visibility", on ? "visible" : "hidden");
      if (on) for (const end of ["x1", "x2"]) chart.marker.setAttribute(end, p(X(mappedTime)));
    };
    chart.mark();

    // The cursor stands at a value of the line with the most of them.
    const grid = series.reduce((most, s) => s.x.length > most.length ? s.x : most, []);
    const nearest = (list, x) => {
      let low = 0, high = list.length - 1;
      while (high - low > 1) { const mid = (low + high) >> 1; if (list[mid] <= x) low = mid; else high = mid; }
      return Math.abs(list[high] - x) < Math.abs(list[low] - x) ? high : low;
    };
    const point = (at, clientX, clientY, aloud) => {
      if (!grid.length) return;
      chart.cursor = clamp(at, 0, grid.length - 1);
      const x = grid[chart.cursor];
      chart.hover.replaceChildren(make("line", { class: "cursor", x1: p(X(x)), x2: p(X(x)), y1: top, y2: top + h }));
      const rows = [];
      for (const s of series) {
        if (x > s.x[s.x.length - 1]) continue;
        const i = nearest(s.x, x);
        chart.hover.append(make("circle", { cx: p(X(s.x[i])), cy: p(Y(s.y[i])), r: 3.5, fill: policyColour(s.policy) }));
        let value = printY(spec.y, s.y[i]);
        if (s.low && s.low[i] !== s.high[i]) value += "  (" + printY(spec.y, s.low[i]) + " – " + printY(spec.y, s.high[i]) + ")";
        rows.push([s.y[i], line(policyColour(s.policy), data.policies[s.policy], value)]);
      }
      rows.sort((a, b) => b[0] - a[0]);
      const box = svg.getBoundingClientRect();
      showTip(clientX ?? box.left + X(x), clientY ?? box.top + top, [make("strong", {}, printX(spec.x, x)), ...rows.map((r) => r[1])], aloud);
    };
    const leave = () => { chart.hover.replaceChildren(); hideTip(); };
    const toValue = (clientX) => {
      const x = clientX - svg.getBoundingClientRect().left;
      let best = 0;
      for (let i = 1; i < grid.length; i++) if (Math.abs(X(grid[i]) - x) < Math.abs(X(grid[best]) - x)) best = i;
      return best;
    };
    svg.addEventListener("pointermove", (e) => point(toValue(e.clientX), e.clientX, e.clientY));
    svg.addEventListener("pointerdown", (e) => {
      const at = toValue(e.clientX);
      point(at, e.clientX, e.clientY);
      if (spec.x.kind === "time" && pickTime && grid.length) pickTime(grid[at]);
    });
    svg.addEventListener("pointerleave", leave);
    svg.addEventListener("blur", leave);
    svg.addEventListener("keydown", (e) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -1e9, End: 1e9 }[e.key];
      if (step) { e.preventDefault(); point((chart.cursor ?? (step > 0 ? -1 : grid.length)) + step, undefined, undefined, true); }
      if (e.key === "Escape") leave();
    });
    const focused = host.contains(document.activeElement);
    host.replaceChildren(svg);
    if (focused) svg.focus();
  };
  charts.push(chart);
  chart.draw();
}

function addLegend() {
  const legend = byID("legend");
  if (!legend) return;
  data.policies.forEach((name, i) => {
    const swatch = make("svg", { width: 26, height: 10, "aria-hidden": "true" }, make("line", { x1: 0, x2: 26, y1: 5, y2: 5, stroke: policyColour(i), "stroke-width": 2.5, "stroke-dasharray": policyDash(i) }));
    const button = make("button", { type: "button", "aria-pressed": "true", title: name }, swatch, make("span", {}, name));
    button.addEventListener("click", () => {
      if (hidden.has(i)) hidden.delete(i); else hidden.add(i);
      button.setAttribute("aria-pressed", String(!hidden.has(i)));
      for (const chart of charts) chart.draw();
    });
    legend.append(button);
  });
}

// ---- the map ----------------------------------------------------------------------

// part is what one word says about a GPU: who holds how much of it and where.
function parse(word, slices, classes) {
  const parts = [];
  if (word[0] === "w") parts.push({ form: "w", of: classes[+word.slice(1)], from: 0, to: 1, part: 1 });
  if (word[0] === "m") {
    for (const item of word.slice(1).split(",")) {
      const [, start, size, of] = item.match(/^(\d+):(\d+)=(\d+)$/);
      parts.push({ form: "m", of: classes[+of], start: +start, size: +size, from: +start / slices, to: (+start + +size) / slices, part: +size / slices });
    }
  }
  if (word[0] === "s") {
    let sum = 0;
    for (const item of word.slice(1).split(",")) {
      const [milli, of] = item.split("=");
      parts.push({ form: "s", of: classes[+of], from: sum / 1000, to: (sum + +milli) / 1000, part: +milli / 1000 });
      sum += +milli;
    }
    // Shares without a limit may add up to more than there is.
    if (sum > 1000) for (const p of parts) { p.from *= 1000 / sum; p.to *= 1000 / sum; }
  }
  return { parts, held: Math.min(1, parts.reduce((sum, p) => sum + p.part, 0)) };
}

// unpack reads the frames of a map; see heldOver in cluster.go.
async function unpack(map) {
  const packed = Uint8Array.from(atob(map.frames), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const raw = new Uint8Array(await new Response(stream).arrayBuffer());
  const nodes = data.nodes[map.nodes];
  const first = new Uint32Array(nodes.kind.length + 1);
  nodes.kind.forEach((kind, i) => { first[i + 1] = first[i] + 1 + nodes.kinds[kind].length; });
  let at = 0;
  const next = () => {
    let value = 0, factor = 1;
    for (;;) {
      const byte = raw[at++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
  };
  const starts = [];
  for (let f = 0; f < map.times.length; f++) {
    starts.push(at);
    for (let count = next(); count > 0; count--) { next(); next(); }
  }
  const slots = new Uint32Array(first[nodes.kind.length]);
  const every = Math.max(1, Math.ceil(map.times.length * slots.length * 4 / 64e6)); // 64 MB of whole states
  const whole = new Map();
  let now = -1;
  const apply = (frame) => {
    at = starts[frame];
    let slot = 0;
    for (let count = next(); count > 0; count--) { slot += next(); slots[slot++] = next(); }
  };
  // seek starts from what is closest before the frame: where it is, a kept state, or the beginning.
  const seek = (frame) => {
    let kept = frame - frame % every;
    while (kept >= 0 && !whole.has(kept)) kept -= every;
    if (now > frame || now < kept) {
      if (kept < 0) slots.fill(0); else slots.set(whole.get(kept));
      now = Math.max(kept, -1);
    }
    while (now < frame) {
      apply(++now);
      if (now % every === 0) whole.set(now, slots.slice());
    }
  };
  const parsed = nodes.models.map(() => new Map());
  const word = (slot, model) => {
    let found = parsed[model].get(slots[slot]);
    if (!found) parsed[model].set(slots[slot], found = parse(map.words[slots[slot]], nodes.slices[model], map.classes));
    return found;
  };
  return { map, nodes, first, slots, seek, word, state: (node) => map.words[slots[first[node]]] };
}

const isDown = (state) => state === "x";
const isDraining = (state) => state[0] === "d";
const jobsOf = (state) => { const j = state.indexOf("j"); return j < 0 ? 0 : +state.slice(j + 1); };

const colours = { classes: [], use: [] };
function readColours() {
  colours.classes = data.classes.map((_, i) => style(i < 9 ? "--c" + i : "--rest"));
  colours.use = [0, 1, 2, 3, 4].map((i) => style("--u" + i));
  for (const name of ["free", "rest", "down", "cross", "drain", "text", "dim", "card", "accent"]) colours[name] = style("--" + name);
}
const useColour = (held) => colours.use[held <= 0 ? 0 : held < 0.375 ? 1 : held < 0.625 ? 2 : held < 0.999 ? 3 : 4];

const sizes = [4, 5, 6, 7, 8, 10, 12, 15, 19, 24, 30, 38];
const view = { frame: 0, size: 0, colour: "class", panels: [], times: [] };

// groupsOf sorts the nodes by the models of their GPUs, the most GPUs first.
function groupsOf(nodes) {
  const groups = new Map();
  nodes.kind.forEach((kind, node) => {
    const gpus = nodes.kinds[kind];
    const name = gpus.length ? [...new Set(gpus)].map((m) => nodes.models[m]).join(" + ") : "no GPUs";
    if (!groups.has(name)) groups.set(name, { name, nodes: [], gpus: 0 });
    const group = groups.get(name);
    group.nodes.push(node);
    group.gpus += gpus.length;
  });
  const list = [...groups.values()].sort((a, b) => b.gpus - a.gpus || (a.name < b.name ? -1 : 1));
  for (const group of list) group.nodes.sort((a, b) => nodes.kinds[nodes.kind[b]].length - nodes.kinds[nodes.kind[a]].length || a - b);
  return list;
}

// layOut places the nodes: cells with x, y, columns, and headings.
function layOut(nodes, groups, width, size) {
  const gap = size >= 10 ? 2 : 1, between = size >= 12 ? 10 : size >= 7 ? 6 : 4, label = size >= 19 ? 15 : 0;
  const cells = [], headings = [];
  let y = 0;
  for (const group of groups) {
    headings.push({ group, y });
    y += 26;
    let x = 8, deep = 0;
    for (const node of group.nodes) {
      const count = Math.max(1, nodes.kinds[nodes.kind[node]].length);
      const columns = Math.min(count, 8), rows = Math.ceil(count / columns);
      let w = columns * (size + gap) - gap;
      if (label) w = Math.max(w, 76);
      if (x > 8 && x + w > width - 8) { x = 8; y += deep + between; deep = 0; }
      const h = label + rows * (size + gap) - gap;
      cells.push({ node, x, y: y, w, h, columns, count, label });
      x += w + between;
      deep = Math.max(deep, h);
    }
    y += deep + 12;
  }
  return { cells, headings, gap, size, height: y };
}

class Panel {
  constructor(host) {
    this.host = host;
    this.title = make("h3", { class: "name" });
    this.held = make("p", { class: "held about" });
    this.canvas = make("canvas");
    this.tall = make("div", {}, this.canvas);
    this.box = make("div", { class: "tiles", tabindex: "0", role: "application", "aria-label": "Map of the GPUs: arrows go from GPU to GPU" }, this.tall);
    this.rows = make("tbody");
    this.table = make("details", {}, make("summary", {}, "By GPU model"), make("div", { class: "scroll" }, make("table", {}, make("caption", {}, "What is held at the time of the map."),
      make("thead", {}, make("tr", {}, ...["GPU model", "Nodes", "GPUs", "Held", "Part held"].map((t) => make("th", { scope: "col" }, t)))), this.rows)));
    host.append(this.title, this.held, this.box, this.table);
    this.cursor = null;
    this.box.addEventListener("scroll", () => { hideTip(); this.soon(); }, { passive: true });
    this.box.addEventListener("pointermove", (e) => this.point(e));
    this.box.addEventListener("pointerdown", (e) => this.point(e));
    this.box.addEventListener("pointerleave", () => { if (document.activeElement !== this.box || !this.byKey) this.forget(); });
    this.box.addEventListener("blur", () => this.forget());
    this.box.addEventListener("keydown", (e) => this.key(e));
  }
  forget() { this.cursor = null; hideTip(); this.soon(); }

  async show(index) {
    this.index = index;
    const map = data.maps[index];
    const loaded = await (map.loaded ??= unpack(map));
    if (this.index !== index) return;
    this.loaded = loaded;
    this.title.textContent = data.maps.length > 1 ? map.name : "";
    this.title.hidden = data.maps.length < 2;
    this.groups = groupsOf(loaded.nodes);
    this.cursor = null;
    this.arrange();
  }
  arrange() {
    if (!this.loaded) return;
    const width = this.box.clientWidth;
    if (width < 40) return;
    this.layout = layOut(this.loaded.nodes, this.groups, width, view.size);
    this.tall.style.height = this.layout.height + "px";
    this.refresh();
  }
  // refresh goes to the frame and counts.
  refresh() {
    if (!this.layout) return;
    const { loaded } = this, { nodes, map } = loaded;
    const time = view.times[view.frame];
    let frame = map.times.length - 1;
    while (frame > 0 && map.times[frame] > time) frame--;
    loaded.seek(frame);
    this.byClass = new Float64Array(data.classes.length);
    let held = 0, up = 0, all = 0, down = 0, draining = 0, jobs = 0;
    for (const group of this.groups) {
      group.held = group.up = 0;
      for (const node of group.nodes) {
        const state = loaded.state(node), gpus = nodes.kinds[nodes.kind[node]];
        all += gpus.length;
        if (isDown(state)) { down++; continue; }
        if (isDraining(state)) draining++;
        jobs += jobsOf(state);
        group.up += gpus.length;
        for (let g = 0; g < gpus.length; g++) {
          const word = loaded.word(loaded.first[node] + 1 + g, gpus[g]);
          group.held += word.held;
          for (const p of word.parts) this.byClass[p.of] += p.part;
        }
      }
      held += group.held;
      up += group.up;
    }
    const some = [];
    if (down) some.push(counted(down, "node") + " down");
    if (draining) some.push(draining + " draining");
    if (jobs) some.push(counted(jobs, "job") + " on nodes without GPUs");
    this.held.textContent = amount(held) + " of " + number(up) + " GPUs held (" + (up ? (100 * held / up).toFixed(1) : "0") + " %)" + (some.length ? " · " + some.join(" · ") : "");
    this.rows.replaceChildren(...this.groups.map((g) => make("tr", {}, make("th", { scope: "row" }, make("span", { class: "name" }, g.name)),
      ...[number(g.nodes.length), number(g.gpus), amount(g.held), g.up ? (100 * g.held / g.up).toFixed(1) + " %" : "–"].map((t) => make("td", {}, t)))));
    this.draw();
    if (this.cursor && !tip.hidden) this.tell(false);
  }
  soon() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.draw(); });
  }
  draw() {
    if (!this.layout) return;
    const { layout, loaded, box, canvas } = this, { nodes, first } = loaded, { size, gap } = layout;
    const ratio = devicePixelRatio || 1, width = box.clientWidth, height = Math.min(layout.height, box.clientHeight);
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = width + "px";
      canvas.style.height = height + "px";
    }
    const c = canvas.getContext("2d"), from = clamp(box.scrollTop, 0, layout.height - height);
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, width, height);
    c.translate(0, -from);
    const font = getComputedStyle(document.body).fontFamily;
    c.textBaseline = "alphabetic";
    for (const { group, y } of layout.headings) {
      if (y > from + height || y + 26 < from) continue;
      let figures = counted(group.nodes.length, "node");
      if (group.gpus) figures += " · " + counted(group.gpus, "GPU") + " · " + (group.up ? (100 * group.held / group.up).toFixed(0) + " % held" : "down");
      c.font = "12px " + font;
      const space = width - 26 - c.measureText(figures).width;
      c.fillStyle = colours.dim;
      const at = this.fit(c, group.name, 8, y + 18, "600 12px " + font, colours.text, space);
      c.font = "12px " + font;
      c.fillStyle = colours.dim;
      c.fillText(figures, at + 10, y + 18);
    }
    let low = 0, high = layout.cells.length;
    while (low < high) { const mid = (low + high) >> 1; if (layout.cells[mid].y + 60 + 4 * size < from) low = mid + 1; else high = mid; }
    for (let i = low; i < layout.cells.length; i++) {
      const cell = layout.cells[i];
      if (cell.y > from + height) break;
      const state = loaded.state(cell.node), gpus = nodes.kinds[nodes.kind[cell.node]];
      if (cell.label) this.fit(c, nodes.names[cell.node], cell.x, cell.y + 10, "10px " + font, colours.dim, cell.w);
      for (let g = 0; g < cell.count; g++) {
        const x = cell.x + (g % cell.columns) * (size + gap), y = cell.y + cell.label + Math.floor(g / cell.columns) * (size + gap);
        if (isDown(state)) this.drawDown(c, x, y);
        else if (!gpus.length) this.drawHost(c, x, y, jobsOf(state), font);
        else this.drawGPU(c, x, y, loaded.word(first[cell.node] + 1 + g, gpus[g]));
      }
      if (isDraining(state)) {
        c.strokeStyle = colours.drain;
        c.lineWidth = size >= 10 ? 2 : 1;
        c.strokeRect(cell.x - 1.5, cell.y + cell.label - 1.5, cell.columns * (size + gap) - gap + 3, cell.h - cell.label + 3);
      }
    }
    if (this.cursor) {
      const { x, y } = this.place(this.cursor);
      c.strokeStyle = colours.text;
      c.lineWidth = 2;
      c.strokeRect(x - 1, y - 1, size + 2, size + 2);
    }
  }
  // fit draws a text that may have to be cut, and returns where it ends.
  fit(c, text, x, y, font, colour, space) {
    c.font = font;
    c.fillStyle = colour;
    let shown = text;
    if (c.measureText(shown).width > space) {
      let letters = [...text];
      while (letters.length > 1 && c.measureText(letters.join("") + "…").width > space) letters = letters.slice(0, Math.min(letters.length - 1, Math.ceil(letters.length * 0.9)));
      shown = letters.join("") + "…";
    }
    c.fillText(shown, x, y);
    return x + c.measureText(shown).width;
  }
  drawGPU(c, x, y, word) {
    const { size } = this.layout;
    if (view.colour === "use") {
      c.fillStyle = useColour(word.held);
      c.fillRect(x, y, size, size);
      return;
    }
    c.fillStyle = colours.free;
    c.fillRect(x, y, size, size);
    const seam = size >= 10 ? 1 : 0;
    for (const p of word.parts) {
      c.fillStyle = colours.classes[p.of];
      const a = p.from * size, length = Math.max(1, (p.to - p.from) * size - (p.to < 0.999 ? seam : 0));
      if (p.form === "s") c.fillRect(x, y + size - a - length, size, length);
      else c.fillRect(x + a, y, length, size);
    }
  }
  drawHost(c, x, y, jobs, font) {
    const { size } = this.layout;
    c.fillStyle = jobs ? colours.rest : colours.free;
    c.fillRect(x, y, size, size);
    if (size >= 15 && jobs) {
      c.fillStyle = colours.card;
      c.font = "600 " + Math.min(11, size - 5) + "px " + font;
      c.textAlign = "center";
      c.fillText(jobs > 99 ? "99+" : String(jobs), x + size / 2, y + size / 2 + 4);
      c.textAlign = "left";
    }
  }
  drawDown(c, x, y) {
    const { size } = this.layout;
    c.fillStyle = colours.down;
    c.fillRect(x, y, size, size);
    c.strokeStyle = colours.cross;
    c.lineWidth = 1;
    c.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);
    c.beginPath();
    c.moveTo(x, y);
    c.lineTo(x + size, y + size);
    c.moveTo(x + size, y);
    c.lineTo(x, y + size);
    c.stroke();
  }
  place({ cell, gpu }) {
    const { size, gap } = this.layout, at = this.layout.cells[cell];
    return { x: at.x + (gpu % at.columns) * (size + gap), y: at.y + at.label + Math.floor(gpu / at.columns) * (size + gap) };
  }
  point(e) {
    if (!this.layout) return;
    const box = this.box.getBoundingClientRect();
    const x = e.clientX - box.left - this.box.clientLeft, y = e.clientY - box.top - this.box.clientTop + this.box.scrollTop;
    this.cursor = this.find(x, y);
    this.byKey = false;
    if (this.cursor) this.tell(false, e.clientX, e.clientY); else hideTip();
    this.soon();
  }
  find(x, y) {
    const { size, gap, cells } = this.layout;
    for (let i = 0; i < cells.length; i++) {
      const at = cells[i];
      if (y < at.y || y > at.y + at.h + gap || x < at.x - 1 || x > at.x + at.w) continue;
      const column = Math.floor((x - at.x) / (size + gap)), row = Math.max(0, Math.floor((y - at.y - at.label) / (size + gap)));
      const gpu = row * at.columns + clamp(column, 0, at.columns - 1);
      if (gpu < at.count) return { cell: i, gpu };
    }
    return null;
  }
  key(e) {
    if (!this.layout || !this.layout.cells.length) return;
    const { cells, size } = this.layout;
    let { cell, gpu } = this.cursor ?? { cell: 0, gpu: -1 };
    const flat = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (flat) {
      gpu += flat;
      if (gpu < 0 && cell > 0) gpu = cells[--cell].count - 1;
      else if (gpu >= cells[cell].count && cell < cells.length - 1) { cell++; gpu = 0; }
    } else if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      const from = this.place({ cell, gpu: Math.max(0, gpu) });
      let best = null;
      const down = e.key === "ArrowDown";
      for (let i = 0; i < cells.length; i++) {
        if (Math.abs(cells[i].y - from.y) > 600) continue;
        for (let g = 0; g < cells[i].count; g++) {
          const to = this.place({ cell: i, gpu: g }), dy = down ? to.y - from.y : from.y - to.y;
          const cost = dy * 50 + Math.abs(to.x - from.x);
          if (dy > 1 && (!best || cost < best.cost)) best = { cost, cell: i, gpu: g };
        }
      }
      if (best) ({ cell, gpu } = best);
    } else if (e.key === "Home") { cell = gpu = 0; }
    else if (e.key === "End") { cell = cells.length - 1; gpu = cells[cell].count - 1; }
    else if (e.key === "Escape") { this.forget(); return; }
    else return;
    e.preventDefault();
    this.cursor = { cell, gpu: clamp(gpu, 0, cells[cell].count - 1) };
    this.byKey = true;
    const { y } = this.place(this.cursor);
    if (y - 30 < this.box.scrollTop) this.box.scrollTop = y - 30;
    if (y + size + 10 > this.box.scrollTop + this.box.clientHeight) this.box.scrollTop = y + size + 10 - this.box.clientHeight;
    this.draw();
    // The scroll event that this may cause would hide it again.
    requestAnimationFrame(() => requestAnimationFrame(() => { if (this.cursor) this.tell(true); }));
  }
  tell(aloud, x, y) {
    const { loaded, cursor } = this, { nodes, first } = loaded;
    const node = this.layout.cells[cursor.cell].node, gpus = nodes.kinds[nodes.kind[node]], state = loaded.state(node);
    const lines = [make("strong", { class: "name" }, nodes.names[node])];
    if (gpus.length) lines.push(dim("GPU " + cursor.gpu + " of " + gpus.length + " · " + nodes.models[gpus[cursor.gpu]] + (nodes.domains[node] >= 0 ? " · domain " + nodes.domains[node] : "")));
    if (isDraining(state)) lines.push(line(colours.drain, "draining", ""));
    if (isDown(state)) lines.push(line(colours.cross, "down", ""));
    else if (!gpus.length) lines.push(dim("no GPUs · " + counted(jobsOf(state), "job")));
    else {
      const slices = nodes.slices[gpus[cursor.gpu]], word = loaded.word(first[node] + 1 + cursor.gpu, gpus[cursor.gpu]);
      const percent = (part) => +(100 * part).toFixed(1) + " %";
      for (const p of word.parts.slice(0, 12)) {
        const how = p.form === "w" ? "all of it" : p.form === "m" ? "MIG " + (p.size > 1 ? "slices " + p.start + "–" + (p.start + p.size - 1) : "slice " + p.start) + " of " + slices : "share of " + percent(p.part);
        lines.push(line(colours.classes[p.of], data.classes[p.of], how));
      }
      if (word.parts.length > 12) lines.push(dim("and " + (word.parts.length - 12) + " more"));
      if (word.held < 0.999) lines.push(line(colours.free, "free", word.parts.length ? percent(1 - word.held) : "all of it"));
    }
    if (x === undefined) {
      const at = this.place(cursor), box = this.box.getBoundingClientRect();
      x = box.left + at.x + view.size / 2;
      y = box.top + at.y - this.box.scrollTop + view.size / 2;
    }
    this.at = [x, y];
    showTip(x, y, lines, aloud);
  }
}

// chooseSize is the largest size with which the map needs no more than a screen, as long
// as squares can be told apart.
function chooseSize() {
  const nodes = data.nodes[data.maps[0].nodes], groups = groupsOf(nodes), width = byID("map-panels").clientWidth;
  const room = clamp(innerHeight * 0.62, 320, 640);
  const fits = sizes.findLast((size) => size <= 30 && layOut(nodes, groups, width, size).height <= room) ?? 0;
  return Math.max(fits, width < 600 ? 8 : 7);
}

function mapLegend() {
  const legend = byID("map-legend");
  const sample = (draw) => {
    const canvas = make("canvas", { width: 28, height: 28, "aria-hidden": "true" });
    canvas.style.width = canvas.style.height = "14px";
    const c = canvas.getContext("2d");
    c.scale(2, 2);
    draw(c);
    return canvas;
  };
  const plainSample = (colour) => sample((c) => { c.fillStyle = colour; c.fillRect(0, 0, 14, 14); });
  const entry = (canvas, name, figure) => make("span", {}, canvas, make("span", { class: "name" }, name), ...(figure === undefined ? [] : [make("span", { class: "facts" }, figure)]));
  const items = [];
  if (view.colour === "use") {
    ["free", "up to 3/8 in use", "about half", "from 5/8", "all of it"].forEach((text, i) => items.push(entry(plainSample(colours.use[i]), text)));
  } else {
    const held = view.panels.map((panel) => panel.byClass ?? []);
    const figures = (of) => held.map((h) => amount(of(h))).join(" | ") + " GPUs";
    data.classes.forEach((name, i) => {
      if (i < 9) items.push(entry(plainSample(colours.classes[i]), name, figures((h) => h[i] ?? 0)));
    });
    if (data.classes.length > 9) items.push(entry(plainSample(colours.classes[9]), (data.classes.length - 9) + " other workloads", figures((h) => h.slice(9).reduce((sum, x) => sum + x, 0))));
    items.push(entry(plainSample(colours.free), "free"));
  }
  items.push(entry(sample((c) => Panel.prototype.drawDown.call({ layout: { size: 14 } }, c, 0, 0)), "node down"));
  items.push(entry(sample((c) => { c.fillStyle = colours.free; c.fillRect(2, 2, 10, 10); c.strokeStyle = colours.drain; c.lineWidth = 2; c.strokeRect(1, 1, 12, 12); }), "draining"));
  legend.replaceChildren(...items);
}

function setFrame(frame) {
  view.frame = clamp(frame, 0, view.times.length - 1);
  const slider = byID("map-time"), time = view.times[view.frame];
  slider.value = String(view.frame);
  slider.setAttribute("aria-valuetext", span(time) + " after the start");
  byID("map-at").textContent = span(time);
  for (const panel of view.panels) panel.refresh();
  mapLegend();
  mappedTime = time;
  for (const chart of charts) chart.mark?.();
}

let playing = 0;
function play(on) {
  const button = byID("map-play");
  clearInterval(playing);
  playing = 0;
  button.textContent = on ? "❚❚" : "▶";
  button.setAttribute("aria-label", on ? "pause" : "play");
  if (!on) return;
  if (view.frame >= view.times.length - 1) setFrame(0);
  const steps = Math.max(1, Math.round(view.times.length / 300)); // no longer than half a minute
  playing = setInterval(() => {
    if (view.frame >= view.times.length - 1) play(false);
    else setFrame(view.frame + steps);
  }, clamp(12000 / view.times.length, 90, 600));
}

async function addMap() {
  if (!data.maps.length) return;
  const host = byID("map-panels");
  if (!("DecompressionStream" in globalThis)) {
    host.append(make("p", { class: "warning" }, "The map needs a browser of 2023 or later."));
    return;
  }
  readColours();
  const run = byID("map-run"), other = byID("map-other");
  const label = (map, i) => map.name + (data.maps.some((m, k) => k !== i && m.seed !== map.seed) ? ", seed " + map.seed : "");
  other.append(make("option", { value: "" }, "nothing"));
  data.maps.forEach((map, i) => {
    run.append(make("option", { value: String(i) }, label(map, i)));
    other.append(make("option", { value: String(i) }, label(map, i)));
  });
  byID("pick-run").hidden = byID("pick-other").hidden = data.maps.length < 2;

  const choose = async () => {
    const wanted = [run.value, other.value].filter((v) => v !== "").map(Number);
    while (view.panels.length > wanted.length) view.panels.pop().host.remove();
    while (view.panels.length < wanted.length) {
      const panel = make("div", { class: "panel" });
      host.append(panel);
      view.panels.push(new Panel(panel));
    }
    host.classList.toggle("two", wanted.length > 1);
    const time = view.times[view.frame] ?? Infinity;
    view.times = [...new Set(wanted.flatMap((i) => data.maps[i].times))].sort((a, b) => a - b);
    byID("map-time").max = String(view.times.length - 1);
    await Promise.all(wanted.map((i, k) => view.panels[k].show(i)));
    for (const panel of view.panels) panel.arrange();
    const after = view.times.findIndex((t) => t >= time);
    setFrame(after < 0 ? Math.floor(view.times.length / 2) : after);
  };
  run.addEventListener("change", choose);
  other.addEventListener("change", choose);
  byID("map-colour").addEventListener("change", (e) => { view.colour = e.target.value; for (const p of view.panels) p.draw(); mapLegend(); });
  const resize = (by) => {
    view.size = sizes[clamp(sizes.indexOf(view.size) + by, 0, sizes.length - 1)];
    for (const panel of view.panels) { panel.cursor = null; panel.arrange(); }
  };
  byID("map-smaller").addEventListener("click", () => resize(-1));
  byID("map-larger").addEventListener("click", () => resize(1));
  byID("map-time").addEventListener("input", (e) => { play(false); setFrame(+e.target.value); });
  byID("map-play").addEventListener("click", () => play(!playing));
  byID("map").addEventListener("keydown", (e) => {
    if (e.target.closest("select, summary")) return;
    if (e.key === " " && e.target.tagName !== "BUTTON") { e.preventDefault(); play(!playing); }
    if (e.key === "," || e.key === ".") { play(false); setFrame(view.frame + (e.key === "." ? 1 : -1)); }
  });
  pickTime = (time) => {
    play(false);
    let best = 0;
    view.times.forEach((t, i) => { if (Math.abs(t - time) < Math.abs(view.times[best] - time)) best = i; });
    setFrame(best);
  };
  view.size = chooseSize();
  await choose();
}

// ---- start ------------------------------------------------------------------------

addLegend();
for (const spec of data.charts) addChart(spec);
addMap().catch((err) => {
  byID("map-panels").append(make("p", { class: "warning" }, "The map cannot be drawn: " + err.message));
  throw err;
}).finally(() => { document.documentElement.dataset.ready = "yes"; });

let width = innerWidth, resized = 0;
addEventListener("resize", () => {
  cancelAnimationFrame(resized);
  resized = requestAnimationFrame(() => {
    if (innerWidth !== width) {
      width = innerWidth;
      for (const chart of charts) chart.draw();
    }
    for (const panel of view.panels) panel.arrange();
  });
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  readColours();
  for (const panel of view.panels) panel.draw();
  if (view.panels.length) mapLegend();
});
})();
