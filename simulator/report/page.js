// ---- the report -------------------------------------------------------------------

const data = JSON.parse(byID("data").textContent);
const policyColour = (i) => "var(--p" + (i % 8) + ")";
const dashes = ["", "7 3", "2 3", "9 3 2 3", "12 4", "4 2 1 2 1 2", "5 5", "1 4"];
const policyDash = (i) => dashes[(i + Math.floor(i / 8)) % dashes.length];

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
    if (!series.length) svg.append(make("text", { class: "none", x: left + w / 2, y: top + h / 2, "text-anchor": "middle" }, "every variant is switched off"));
   
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
  const states = new Map();
  const stateOf = (text) => {
    const j = text.indexOf("j");
    return { down: text === "x", draining: text[0] === "d", jobs: j < 0 ? 0 : +text.slice(j + 1) };
  };
  const state = (node) => {
    const text = map.words[slots[first[node]]];
    if (!states.has(text)) states.set(text, stateOf(text));
    return states.get(text);
  };
  const source = { ...nodeSource(nodes), state, word: (node, gpu) => word(first[node] + 1 + gpu, nodes.kinds[nodes.kind[node]][gpu]) };
  source.lines = (node, gpu) => tooltip(nodes, source, node, gpu);
  return { map, source, seek };
}

// nodeSource is a source of what does not change over time; see map.js.
const nodeSource = (nodes) => ({ count: nodes.kind.length, models: nodes.models, name: (node) => nodes.names[node], gpus: (node) => nodes.kinds[nodes.kind[node]] });

function tooltip(nodes, source, node, gpu) {
  const gpus = source.gpus(node), state = source.state(node), lines = [];
  if (gpus.length) lines.push(dim("GPU " + gpu + " of " + gpus.length + " · " + nodes.models[gpus[gpu]] + (nodes.domains[node] >= 0 ? " · domain " + nodes.domains[node] : "")));
  if (state.draining) lines.push(line(colours.drain, "draining", ""));
  if (state.down) lines.push(line(colours.cross, "down", ""));
  else if (!gpus.length) lines.push(dim("no GPUs · " + counted(state.jobs, "job")));
  else {
    const slices = nodes.slices[gpus[gpu]], word = source.word(node, gpu);
    for (const p of word.parts.slice(0, 12)) {
      const how = p.form === "w" ? "all of it" : p.form === "m" ? "MIG " + (p.size > 1 ? "slices " + p.start + "–" + (p.start + p.size - 1) : "slice " + p.start) + " of " + slices : "share of " + percentOf(p.part);
      lines.push(line(colours.classes[p.of], data.classes[p.of], how));
    }
    if (word.parts.length > 12) lines.push(dim("and " + (word.parts.length - 12) + " more"));
    if (word.held < 0.999) lines.push(line(colours.free, "free", word.parts.length ? percentOf(1 - word.held) : "all of it"));
  }
  return lines;
}

const view = { frame: 0, size: 0, colour: "class", panels: [], times: [] };

// Panel is the map of one run, at the time that all of them show.
class Panel extends GPUMap {
  constructor(host) {
    super(view, "Map of the GPUs: arrows go from GPU to GPU");
    this.host = host;
    this.title = make("h3", { class: "name" });
    this.held = make("p", { class: "held about" });
    this.rows = make("tbody");
    this.table = make("details", {}, make("summary", {}, "By GPU model"), make("div", { class: "scroll" }, make("table", {}, make("caption", {}, "What is held at the time of the map."),
      make("thead", {}, make("tr", {}, ...["GPU model", "Nodes", "GPUs", "Held", "Part held"].map((t) => make("th", { scope: "col" }, t)))), this.rows)));
    host.append(this.title, this.held, this.box, this.table);
  }
  async show(index) {
    this.index = index;
    const map = data.maps[index];
    const loaded = await (map.loaded ??= unpack(map));
    if (this.index !== index) return;
    this.loaded = loaded;
    this.title.textContent = data.maps.length > 1 ? map.name : "";
    this.title.hidden = data.maps.length < 2;
    this.setSource(loaded.source);
    this.arrange();
  }
  // refresh goes to the frame and counts.
  refresh() {
    if (!this.layout) return;
    const { map, seek } = this.loaded, time = view.times[view.frame];
    let frame = map.times.length - 1;
    while (frame > 0 && map.times[frame] > time) frame--;
    seek(frame);
    const { byClass, held, up, down, draining, jobs } = countHeld(this.source, this.groups, data.classes.length);
    this.byClass = byClass;
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
}

function mapLegend() {
  const legend = byID("map-legend");
  const items = [];
  if (view.colour === "use") {
    items.push(...useLegend());
  } else {
    const held = view.panels.map((panel) => panel.byClass ?? []);
    const figures = (of) => held.map((h) => amount(of(h))).join(" | ") + " GPUs";
    data.classes.forEach((name, i) => {
      if (i < 9) items.push(legendEntry(plainSwatch(colours.classes[i]), name, figures((h) => h[i] ?? 0)));
    });
    if (data.classes.length > 9) items.push(legendEntry(plainSwatch(colours.classes[9]), (data.classes.length - 9) + " other workloads", figures((h) => h.slice(9).reduce((sum, x) => sum + x, 0))));
    items.push(legendEntry(plainSwatch(colours.free), "free"));
  }
  items.push(legendEntry(downSwatch(), "node down"), legendEntry(drainSwatch(), "draining"));
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
  readColours(data.classes.length);
  const run = byID("map-run"), other = byID("map-other");
  const label = (map, i) => map.name + (data.maps.some((m, k) => k !== i && m.seed !== map.seed) ? ", seed " + map.seed : "");
  other.append(make("option", { value: "" }, "nothing"));
  data.maps.forEach((map, i) => {
    run.append(make("option", { value: String(i) }, label(map, i)));
    other.append(make("option", { value: String(i) }, label(map, i)));
  });
  byID("pick-run").hidden = byID("pick-other").hidden = data.maps.length < 2;
  if (data.maps.length > 1) other.value = String(data.beside);

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
  view.size = chooseSize(nodeSource(data.nodes[data.maps[0].nodes]), byID("map-panels").clientWidth);
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
  readColours(data.classes.length);
  for (const panel of view.panels) panel.draw();
  if (view.panels.length) mapLegend();
});
