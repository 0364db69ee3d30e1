// ---- the map of GPUs --------------------------------------------------------------

// A source says what a map shows. Nodes and their GPUs go by number, from 0:
//
//   count            how many nodes there are
//   models           the names of GPU models
//   name(node)       a node's name
//   gpus(node)       the places of its GPUs' models in models; none for a node without GPUs
//   state(node)      { down, draining, jobs }: jobs are those on a node without GPUs
//   word(node, gpu)  { parts, held, fault }: see gpuParts; fault says that the GPU is not healthy
//   lines(node, gpu) what the tooltip says of it, below the node's name
//
// A part is what one holder has of a GPU: { form: "w" | "m" | "s", of, from, to }, whole, MIG
// instance or share, of a class with a colour, from 0 to 1 across the GPU.

const colours = { classes: [], use: [] };
// readColours reads the colours of so many classes; those after the ninth look alike.
function readColours(classes) {
  colours.classes = Array.from({ length: classes }, (_, i) => style(i < 9 ? "--c" + i : "--rest"));
  colours.use = [0, 1, 2, 3, 4].map((i) => style("--u" + i));
  for (const name of ["free", "rest", "down", "cross", "drain", "text", "dim", "card", "accent"]) colours[name] = style("--" + name);
}
const useColour = (held) => colours.use[held <= 0 ? 0 : held < 0.375 ? 1 : held < 0.625 ? 2 : held < 0.999 ? 3 : 4];

const sizes = [4, 5, 6, 7, 8, 10, 12, 15, 19, 24, 30, 38];

// groupsOf sorts the nodes by the models of their GPUs, the most GPUs first.
function groupsOf(source) {
  const groups = new Map();
  for (let node = 0; node < source.count; node++) {
    const gpus = source.gpus(node);
    const name = gpus.length ? [...new Set(gpus)].map((m) => source.models[m]).join(" + ") : "no GPUs";
    if (!groups.has(name)) groups.set(name, { name, nodes: [], gpus: 0 });
    const group = groups.get(name);
    group.nodes.push(node);
    group.gpus += gpus.length;
  }
  const list = [...groups.values()].sort((a, b) => b.gpus - a.gpus || (a.name < b.name ? -1 : 1));
  for (const group of list) group.nodes.sort((a, b) => source.gpus(b).length - source.gpus(a).length || a - b);
  return list;
}

// layOut places the nodes: cells with x, y, columns, and headings.
function layOut(source, groups, width, size) {
  const gap = size >= 10 ? 2 : 1, between = size >= 12 ? 10 : size >= 7 ? 6 : 4, label = size >= 19 ? 15 : 0;
  const cells = [], headings = [];
  let y = 0;
  for (const group of groups) {
    headings.push({ group, y });
    y += 26;
    let x = 8, deep = 0;
    for (const node of group.nodes) {
      const count = Math.max(1, source.gpus(node).length);
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

// chooseSize is the largest size with which the map needs no more than a screen, as long as
// squares can be told apart.
function chooseSize(source, width) {
  const groups = groupsOf(source), room = clamp(innerHeight * 0.62, 320, 640);
  const fits = sizes.findLast((size) => size <= 30 && layOut(source, groups, width, size).height <= room) ?? 0;
  return Math.max(fits, width < 600 ? 8 : 7);
}

// countHeld sums up what is held: of each group, by class, and of all.
function countHeld(source, groups, classes) {
  const sum = { byClass: new Float64Array(classes), held: 0, up: 0, all: 0, down: 0, draining: 0, jobs: 0 };
  for (const group of groups) {
    group.held = group.up = 0;
    for (const node of group.nodes) {
      const state = source.state(node), gpus = source.gpus(node);
      sum.all += gpus.length;
      if (state.down) { sum.down++; continue; }
      if (state.draining) sum.draining++;
      sum.jobs += state.jobs;
      group.up += gpus.length;
      for (let g = 0; g < gpus.length; g++) {
        const word = source.word(node, g);
        group.held += word.held;
        for (const p of word.parts) sum.byClass[p.of] += p.part;
      }
    }
    sum.held += group.held;
    sum.up += group.up;
  }
  return sum;
}

// GPUMap draws a source on a canvas, of which only what is in sight is painted. The arrow keys
// go from GPU to GPU, and what is there is said aloud. view has { size, colour }, and may be
// shared by several maps: colour is "class" or "use".
class GPUMap {
  constructor(view, label) {
    this.view = view;
    this.canvas = make("canvas");
    this.tall = make("div", {}, this.canvas);
    this.box = make("div", { class: "tiles", tabindex: "0", role: "application", "aria-label": label }, this.tall);
    this.cursor = null;
    this.box.addEventListener("scroll", () => { hideTip(); this.soon(); }, { passive: true });
    this.box.addEventListener("pointermove", (e) => this.point(e));
    this.box.addEventListener("pointerdown", (e) => this.point(e));
    this.box.addEventListener("pointerleave", () => { if (document.activeElement !== this.box || !this.byKey) this.forget(); });
    this.box.addEventListener("blur", () => this.forget());
    this.box.addEventListener("keydown", (e) => this.key(e));
  }
  forget() { this.cursor = null; hideTip(); this.soon(); }
  // setSource shows other nodes, or the same with other models.
  setSource(source) {
    this.source = source;
    this.groups = groupsOf(source);
    this.cursor = null;
  }
  arrange() {
    if (!this.source) return;
    const width = this.box.clientWidth;
    if (width < 40) return;
    this.layout = layOut(this.source, this.groups, width, this.view.size);
    this.tall.style.height = this.layout.height + "px";
    this.refresh();
  }
  // refresh is for those who count before they draw.
  refresh() { this.draw(); }
  soon() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.draw(); });
  }
  draw() {
    if (!this.layout) return;
    const { layout, source, box, canvas } = this, { size, gap } = layout;
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
      const state = source.state(cell.node), gpus = source.gpus(cell.node);
      if (cell.label) this.fit(c, source.name(cell.node), cell.x, cell.y + 10, "10px " + font, colours.dim, cell.w);
      for (let g = 0; g < cell.count; g++) {
        const x = cell.x + (g % cell.columns) * (size + gap), y = cell.y + cell.label + Math.floor(g / cell.columns) * (size + gap);
        if (state.down) this.drawDown(c, x, y);
        else if (!gpus.length) this.drawHost(c, x, y, state.jobs, font);
        else this.drawGPU(c, x, y, source.word(cell.node, g));
      }
      if (state.draining) {
        c.strokeStyle = colours.drain;
        c.lineWidth = size >= 10 ? 2 : 1;
        c.strokeRect(cell.x - 1.5, cell.y + cell.label - 1.5, cell.columns * (size + gap) - gap + 3, cell.h - cell.label + 3);
      }
    }
    if (this.marked) {
      for (const cell of layout.cells) {
        if (!this.marked(cell.node) || cell.y > from + height || cell.y + cell.h < from) continue;
        c.strokeStyle = colours.accent;
        c.lineWidth = 2;
        c.strokeRect(cell.x - 2, cell.y + cell.label - 2, cell.columns * (size + gap) - gap + 4, cell.h - cell.label + 4);
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
    if (this.view.colour === "use") {
      c.fillStyle = useColour(word.held);
      c.fillRect(x, y, size, size);
      if (word.fault) this.drawFault(c, x, y);
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
    if (word.fault) this.drawFault(c, x, y);
  }
  // drawFault crosses a GPU that is not healthy.
  drawFault(c, x, y) {
    const { size } = this.layout;
    c.strokeStyle = colours.drain;
    c.lineWidth = size >= 10 ? 2 : 1;
    c.strokeRect(x + 1, y + 1, size - 2, size - 2);
    c.beginPath();
    c.moveTo(x + 1, y + 1);
    c.lineTo(x + size - 1, y + size - 1);
    c.stroke();
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
    else if (e.key === "Enter" && this.open) { e.preventDefault(); if (this.cursor) this.open(cells[cell].node, gpu); return; }
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
    const { source, cursor } = this, { node } = this.layout.cells[cursor.cell];
    const lines = [make("strong", { class: "name" }, source.name(node)), ...source.lines(node, cursor.gpu)];
    if (x === undefined) {
      const at = this.place(cursor), box = this.box.getBoundingClientRect();
      x = box.left + at.x + this.view.size / 2;
      y = box.top + at.y - this.box.scrollTop + this.view.size / 2;
    }
    this.at = [x, y];
    showTip(x, y, lines, aloud);
  }
}

// swatch is a small picture for a legend.
function swatch(draw) {
  const canvas = make("canvas", { width: 28, height: 28, "aria-hidden": "true" });
  canvas.style.width = canvas.style.height = "14px";
  const c = canvas.getContext("2d");
  c.scale(2, 2);
  draw(c);
  return canvas;
}
const plainSwatch = (colour) => swatch((c) => { c.fillStyle = colour; c.fillRect(0, 0, 14, 14); });
const downSwatch = () => swatch((c) => GPUMap.prototype.drawDown.call({ layout: { size: 14 } }, c, 0, 0));
const drainSwatch = () => swatch((c) => { c.fillStyle = colours.free; c.fillRect(2, 2, 10, 10); c.strokeStyle = colours.drain; c.lineWidth = 2; c.strokeRect(1, 1, 12, 12); });
const legendEntry = (canvas, name, figure) => make("span", {}, canvas, make("span", { class: "name" }, name), ...(figure === undefined ? [] : [make("span", { class: "facts" }, figure)]));
const useLegend = () => ["free", "up to 3/8 in use", "about half", "from 5/8", "all of it"].map((text, i) => legendEntry(plainSwatch(colours.use[i]), text));
const percentOf = (part) => +(100 * part).toFixed(1) + " %";
