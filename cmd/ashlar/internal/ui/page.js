// ---- the cluster ------------------------------------------------------------------

const GiB = 2 ** 30;
function bytes(n) {
  if (n >= 1000 * GiB) return amount(n / GiB / 1024) + " TiB";
  if (n >= GiB || n === 0) return (n < 10 * GiB ? amount(n / GiB) : number(Math.round(n / GiB))) + " GiB";
  return number(Math.round(n / 2 ** 20)) + " MiB";
}
const shortProduct = (name) => name.replace(/^NVIDIA /, "");
const fullName = (o) => o.namespace + "/" + (o.pod || o.name || o.claim || "?");

const cluster = { nodes: new Map(), waiting: [], notes: [], models: [], classes: [], classOf: new Map() };
const view = { size: 0, colour: "class" };

// classNumber is the place of a namespace among those that have a colour. It never changes.
function classNumber(namespace) {
  if (!cluster.classOf.has(namespace)) {
    cluster.classOf.set(namespace, cluster.classes.length);
    cluster.classes.push(namespace);
    readColours(cluster.classes.length);
  }
  return cluster.classOf.get(namespace);
}
function rankClasses() {
  const held = new Map();
  for (const node of cluster.nodes.values()) for (const gpu of node.gpus) for (const h of gpu.holders ?? []) held.set(h.namespace, (held.get(h.namespace) ?? 0) + weigh(h, gpu));
  for (const [namespace] of [...held].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))) classNumber(namespace);
}

// weigh is which part of a GPU a holder has.
function weigh(holder, gpu) {
  if (holder.form === "whole") return 1;
  if (holder.form === "mig" && gpu.slices > 0 && holder.size > 0) return holder.size / gpu.slices;
  return gpu.memory > 0 ? clamp(holder.bytes / gpu.memory, 0, 1) : 0;
}

// gpuWord is what the map draws of a GPU; see map.js.
function gpuWord(gpu) {
  const parts = [];
  let shared = 0, sliced = 0;
  for (const h of gpu.holders ?? []) {
    const part = weigh(h, gpu), of = classNumber(h.namespace);
    if (h.form === "whole") parts.push({ form: "w", of, from: 0, to: 1, part, holder: h });
    else if (h.form === "mig") {
      const from = h.size > 0 && gpu.slices > 0 ? (h.start ?? 0) / gpu.slices : sliced;
      parts.push({ form: "m", of, from, to: Math.min(1, from + part), part, holder: h });
      sliced = from + part;
    } else {
      parts.push({ form: "s", of, from: shared, to: shared + part, part, holder: h });
      shared += part;
    }
  }
  if (shared > 1) for (const p of parts) if (p.form === "s") { p.from /= shared; p.to /= shared; }
  return { parts, held: Math.min(1, parts.reduce((sum, p) => sum + p.part, 0)), fault: !gpu.healthy };
}

const formOf = (h) => h.form === "whole" ? "all of it" : h.form === "mig" ? "MIG " + h.profile : bytes(h.bytes) + " share";

// drawNode prepares a node for the map.
function drawNode(node) {
  node.words = node.gpus.map(gpuWord);
  node.state = { down: !node.ready, draining: node.cordoned, jobs: 0 };
  node.kinds = node.gpus.map((gpu) => {
    let at = cluster.models.indexOf(gpu.product);
    if (at < 0) at = cluster.models.push(gpu.product) - 1;
    return at;
  });
}

function clusterSource() {
  const list = [...cluster.nodes.values()].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  return {
    count: list.length, models: cluster.models.map(shortProduct), list,
    name: (node) => list[node].name, gpus: (node) => list[node].kinds, state: (node) => list[node].state, word: (node, gpu) => list[node].words[gpu],
    lines: (node, gpu) => tooltip(list[node], gpu),
  };
}

function tooltip(node, at) {
  const gpu = node.gpus[at], word = node.words[at], lines = [];
  if (!gpu) return [dim("no GPUs")];
  lines.push(dim("GPU " + gpu.index + " of " + node.gpus.length + " · " + shortProduct(gpu.product)));
  if (node.cordoned) lines.push(line(colours.drain, "cordoned", ""));
  if (!node.ready) lines.push(line(colours.cross, "not ready", ""));
  if (!gpu.healthy) lines.push(line(colours.drain, "not healthy", ""));
  for (const p of word.parts.slice(0, 12)) lines.push(line(colours.classes[p.of], fullName(p.holder), formOf(p.holder)));
  if (word.parts.length > 12) lines.push(dim("and " + (word.parts.length - 12) + " more"));
  if (word.held < 0.999) lines.push(line(colours.free, "free", bytes(gpu.freeMemory)));
  if (gpu.largestSlice) lines.push(dim("largest slice to be had: " + gpu.largestSlice));
  if (gpu.stranded > 0) lines.push(dim(bytes(gpu.stranded) + " free that no slice can take"));
  return lines;
}

// ---- the map ----------------------------------------------------------------------

class ClusterMap extends GPUMap {
  constructor(host) {
    super(view, "Map of the GPUs: arrows go from GPU to GPU, Enter opens the node");
    host.append(this.box);
    this.box.addEventListener("click", () => { if (this.cursor) this.open(this.layout.cells[this.cursor.cell].node, this.cursor.gpu); });
  }
  open(node, gpu) { openNode(this.source.list[node].name, gpu, true); }
  marked(node) { const n = this.source.list[node]; return n.name === detail.node || found.nodes.has(n.name); }
  // goTo puts the cursor on a GPU of a node.
  goTo(name, gpu) {
    const cell = this.layout?.cells.findIndex((c) => this.source.list[c.node].name === name) ?? -1;
    if (cell < 0) return;
    this.cursor = { cell, gpu: clamp(gpu, 0, this.layout.cells[cell].count - 1) };
    this.byKey = true;
    const { y } = this.place(this.cursor);
    this.box.scrollTop = y - this.box.clientHeight / 2;
    this.draw();
  }
  refresh() {
    const sum = countHeld(this.source, this.groups, cluster.classes.length);
    showTotals(sum);
    showLegend(sum);
    showModels(this.groups);
    this.draw();
    if (this.cursor && !tip.hidden) this.tell(false, ...(this.at ?? []));
  }
  // renew shows the nodes as they are now; others too if they changed.
  renew(others) {
    if (others || !this.source) {
      const at = this.cursor && this.layout && this.source.list[this.layout.cells[this.cursor.cell].node].name, gpu = this.cursor?.gpu;
      this.setSource(clusterSource());
      if (!view.size) view.size = chooseSize(this.source, this.box.clientWidth);
      this.arrange();
      if (at) {
        const cell = this.layout.cells.findIndex((c) => this.source.list[c.node].name === at);
        this.cursor = cell < 0 ? null : { cell, gpu: Math.min(gpu, this.layout.cells[cell].count - 1) };
        this.draw();
      }
    } else this.refresh();
  }
}

function card(title, value, about, part, alert) {
  const children = [make("h2", {}, title), make("strong", {}, ...value)];
  if (part !== undefined) {
    const bar = make("i");
    bar.style.width = (100 * clamp(part, 0, 1)).toFixed(1) + "%";
    children.push(make("div", { class: "meter", "aria-hidden": "true" }, bar));
  }
  children.push(make("p", {}, about));
  return make("div", { class: alert ? "card alert" : "card" }, ...children);
}
const small = (text) => make("small", {}, text);

function showTotals(sum) {
  let memory = 0, free = 0, stranded = 0, idle = 0, faults = 0, best = { free: 0, name: "" };
  for (const node of cluster.nodes.values()) {
    let here = 0;
    node.gpus.forEach((gpu, i) => {
      if (!node.ready) return;
      memory += gpu.memory;
      free += gpu.freeMemory;
      stranded += gpu.stranded ?? 0;
      if (!gpu.healthy) faults++;
      else if (!node.words[i].parts.length && !node.cordoned) here++;
    });
    idle += here;
    if (here > best.free) best = { free: here, name: node.name };
  }
  const percent = (a, b) => b > 0 ? (100 * a / b).toFixed(0) + " %" : "0 %";
  const nodes = [counted(cluster.nodes.size, "node")];
  if (sum.down) nodes.push(sum.down + " not ready");
  if (sum.draining) nodes.push(sum.draining + " cordoned");
  if (faults) nodes.push(counted(faults, "GPU") + " not healthy");
  byID("totals").replaceChildren(
    card("GPUs held", [amount(sum.held), small(" of " + number(sum.up))], percent(sum.held, sum.up) + " · " + nodes.join(", "), sum.up ? sum.held / sum.up : 0, faults + sum.down > 0),
    card("GPU memory held", [bytes(memory - free), small(" of " + bytes(memory))], percent(memory - free, memory) + " promised to pods", memory ? 1 - free / memory : 0),
    card("Free GPUs", [number(idle)], best.free ? "at most " + best.free + " on one node: " + best.name : "none is free as a whole"),
    card("Stranded memory", [bytes(stranded)], stranded ? percent(stranded, free) + " of what is free: no slice or share can take it" : "all free memory can be had"),
    card("Waiting pods", [number(cluster.waiting.length)], cluster.waiting.length ? counted(new Set(cluster.waiting.map((p) => p.reason)).size, "cause") : "every pod has its place", undefined, cluster.waiting.length > 0),
  );
}

function showLegend(sum) {
  const items = [];
  if (view.colour === "use") items.push(...useLegend());
  else {
    cluster.classes.slice(0, 9).forEach((name, i) => { if (sum.byClass[i] > 0) items.push(legendEntry(plainSwatch(colours.classes[i]), name, amount(sum.byClass[i]))); });
    const others = cluster.classes.length - 9;
    if (others > 0) items.push(legendEntry(plainSwatch(colours.rest), counted(others, "other namespace"), amount(sum.byClass.slice(9).reduce((a, b) => a + b, 0))));
    items.push(legendEntry(plainSwatch(colours.free), "free", amount(sum.up - sum.held)));
  }
  if (sum.down) items.push(legendEntry(downSwatch(), "not ready"));
  if (sum.draining) items.push(legendEntry(drainSwatch(), "cordoned"));
  byID("map-legend").replaceChildren(...items);
}

function table(caption, head, rows) {
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, make("table", {}, make("caption", { class: "unseen" }, caption),
    make("thead", {}, make("tr", {}, ...head.map((t) => make("th", { scope: "col" }, t)))),
    make("tbody", {}, ...rows.map((cells) => make("tr", {}, make("th", { scope: "row" }, make("span", { class: "name" }, cells[0])), ...cells.slice(1).map((t) => make("td", {}, t)))))));
}

const modelTable = make("details", {}, make("summary", {}, "By GPU model"));
function showModels(groups) {
  const rows = groups.filter((g) => g.gpus).map((g) => {
    let free = 0, stranded = 0, slice = 0, name = "–";
    for (const at of g.nodes) {
      const node = map.source.list[at];
      if (!node.ready) continue;
      for (const gpu of node.gpus) {
        free += gpu.freeMemory;
        stranded += gpu.stranded ?? 0;
        const size = gpu.largestSlice ? +(gpu.largestSlice.match(/(\d+)gb/)?.[1] ?? 0) : 0;
        if (size > slice) { slice = size; name = gpu.largestSlice; }
      }
    }
    return [g.name, number(g.nodes.length), number(g.gpus), amount(g.held), bytes(free), name, bytes(stranded)];
  });
  modelTable.replaceChildren(modelTable.firstChild, table("By GPU model", ["GPU model", "Nodes", "GPUs", "Held", "Free memory", "Largest slice", "Stranded"], rows));
  if (!modelTable.isConnected) byID("models").append(modelTable);
}

// ---- find -------------------------------------------------------------------------

const found = { nodes: new Set(), first: null };
function find() {
  const words = byID("find").value.trim().toLowerCase();
  found.nodes.clear();
  found.first = null;
  let holders = 0;
  if (words) {
    for (const node of map.source?.list ?? []) {
      let at = node.name.toLowerCase().includes(words) ? 0 : -1;
      node.gpus.forEach((gpu, i) => {
        for (const h of gpu.holders ?? []) if (fullName(h).toLowerCase().includes(words)) { holders++; if (at < 0) at = i; }
      });
      if (at < 0) continue;
      found.nodes.add(node.name);
      found.first ??= { node: node.name, gpu: at };
    }
  }
  byID("found").textContent = words ? (found.nodes.size ? "on " + counted(found.nodes.size, "node") + (holders ? ", " + counted(holders, "holding") : "") : "nothing is called so") : "";
  map.soon();
}

// ---- one node ---------------------------------------------------------------------

const detail = { node: "", gpu: 0, back: null };
function openNode(name, gpu, focus) {
  detail.node = name;
  detail.gpu = gpu;
  showNode();
  map.soon();
  hideTip();
  if (!focus) return;
  const section = byID("detail");
  byID("detail-title").focus({ preventScroll: true });
  if (innerWidth < 1024) section.scrollIntoView({ block: "start" }); else document.querySelector(".side").scrollTop = 0;
}
function closeNode() {
  const inside = byID("detail").contains(document.activeElement);
  detail.node = "";
  byID("detail").hidden = true;
  map.soon();
  if (inside) map.box.focus();
}

function linkTable(node) {
  const links = node.links;
  if (!links?.length) return null;
  const head = make("tr", {}, make("th", { scope: "col" }, make("span", { class: "unseen" }, "GPU")), ...links.map((_, i) => make("th", { scope: "col" }, String(i))));
  const rows = links.map((row, i) => make("tr", {}, make("th", { scope: "row" }, String(i)), ...row.map((word, j) => make("td", i !== j && /^NV/.test(word) ? { class: "near" } : {}, i === j ? "·" : word))));
  return make("details", { class: "links" }, make("summary", {}, "Links between the GPUs"), make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Links between the GPUs" },
    make("table", {}, make("caption", { class: "unseen" }, "How each GPU reaches each other, as nvidia-smi topo names it"), make("thead", {}, head), make("tbody", {}, ...rows))));
}

function showNode() {
  const section = byID("detail"), node = cluster.nodes.get(detail.node);
  if (!detail.node) return;
  section.hidden = false;
  const close = make("button", { type: "button", "aria-label": "close" }, "×");
  close.addEventListener("click", closeNode);
  const head = make("div", { class: "head" }, make("h2", { id: "detail-title", tabindex: "-1" }, detail.node), close);
  if (!node) {
    section.replaceChildren(head, make("p", { class: "none" }, "This node is gone."));
    return;
  }
  const badges = [];
  const badge = (text, bad) => badges.push(make("span", { class: bad ? "badge bad" : "badge" }, text));
  if (!node.ready) badge("not ready", true);
  if (node.cordoned) badge("cordoned", true);
  badge(node.source || "no GPU driver");
  for (const product of new Set(node.gpus.map((gpu) => gpu.product))) badge(shortProduct(product));
  const islands = new Set(node.gpus.map((gpu) => gpu.island ?? -1));
  const gpus = node.gpus.map((gpu, i) => {
    const word = node.words[i];
    const bar = make("div", { class: "bar", "aria-hidden": "true" });
    for (const p of word.parts) {
      const piece = make("i");
      piece.style.left = (100 * p.from).toFixed(2) + "%";
      piece.style.width = (100 * (p.to - p.from)).toFixed(2) + "%";
      piece.style.background = "var(" + (p.of < 9 ? "--c" + p.of : "--rest") + ")";
      bar.append(piece);
    }
    const about = [];
    if (islands.size > 1 && (gpu.island ?? -1) >= 0) about.push("island " + gpu.island);
    if ((gpu.numa ?? -1) >= 0) about.push("NUMA " + gpu.numa);
    about.push(word.parts.length && gpu.freeMemory <= 0 ? bytes(gpu.memory) : bytes(gpu.freeMemory) + " of " + bytes(gpu.memory) + " free");
    const item = make("li", i === detail.gpu ? { class: "chosen" } : {}, make("div", { class: "title" }, make("span", {}, "GPU " + gpu.index + (gpu.healthy ? "" : " · not healthy")), make("span", {}, about.join(" · "))), bar);
    for (const p of word.parts) {
      const swatch = make("i", { "aria-hidden": "true" });
      swatch.style.background = "var(" + (p.of < 9 ? "--c" + p.of : "--rest") + ")";
      item.append(make("div", { class: "holder" }, swatch, make("span", { class: "name" }, fullName(p.holder)), make("span", { class: "value" }, formOf(p.holder) + (p.holder.priority ? " · priority " + p.holder.priority : ""))));
    }
    const rest = [];
    if (gpu.largestSlice && word.held < 0.999) rest.push("largest slice to be had: " + gpu.largestSlice);
    if (gpu.stranded > 0) rest.push(bytes(gpu.stranded) + " stranded");
    if (rest.length) item.append(make("div", { class: "holder none" }, rest.join(" · ")));
    return item;
  });
  const focused = section.contains(document.activeElement) ? document.activeElement.id : null;
  const open = section.querySelector(".links")?.open;
  const links = linkTable(node);
  if (links && open) links.open = true;
  section.replaceChildren(head, make("p", { class: "facts" }, ...badges), make("ul", { class: "gpus" }, ...gpus), ...(links ? [links] : []));
  if (focused !== null) (byID(focused) ?? byID("detail-title")).focus({ preventScroll: true });
}

// ---- waiting pods -----------------------------------------------------------------

const shown = { pods: new Map(), most: 8 };
const age = (since) => since ? span(Math.max(1000, Date.now() - Date.parse(since))) : "";

function paragraphs(text) { return text.split(/\n+/).map((t) => make("p", {}, t)); }

async function explain(pod, why) {
  if (why.dataset.asked === pod.reason) return;
  why.dataset.asked = pod.reason;
  const more = make("p", { class: "facts", role: "status" }, "asking the scheduler");
  why.replaceChildren(...paragraphs(pod.reason || "No scheduler has said why."), more);
  try {
    const answer = await ask("explain?" + new URLSearchParams({ namespace: pod.namespace, pod: pod.name }));
    why.replaceChildren(...paragraphs(answer.text));
  } catch (err) {
    more.textContent = err.message;
  }
}

function showWaiting() {
  const host = byID("waiting-list"), keep = new Map(), list = cluster.waiting.slice(0, shown.most);
  const rows = list.map((pod) => {
    const name = fullName(pod);
    let row = shown.pods.get(name);
    if (!row) {
      const first = make("span", { class: "name" }, name), since = make("small", { class: "facts" }), cause = make("div", { class: "cause" }), why = make("div", { class: "why" });
      row = make("details", { class: "pod" }, make("summary", {}, make("div", { class: "first" }, first, since), cause), why);
      row.parts = { since, cause, why };
      row.addEventListener("toggle", () => { if (row.open) explain(row.pod, why); });
    }
    row.pod = pod;
    row.parts.since.textContent = age(pod.since);
    row.parts.cause.textContent = pod.reason || "No scheduler has said why.";
    if (row.open) explain(pod, row.parts.why);
    keep.set(name, row);
    return row;
  });
  shown.pods = keep;
  const more = cluster.waiting.length - list.length;
  const extra = [];
  if (more > 0) {
    const button = make("button", { type: "button" }, "Show " + Math.min(more, 50) + " of " + number(more) + " more");
    button.addEventListener("click", () => { shown.most += 50; showWaiting(); });
    extra.push(button);
  }
  if (!cluster.waiting.length) extra.push(make("p", { class: "none" }, "No pod waits for a GPU."));
  // Rows that stay are left where they are, with the focus that may be on them.
  const wanted = [...rows, ...extra];
  for (const child of [...host.children]) if (!wanted.includes(child)) child.remove();
  wanted.forEach((child, i) => { if (host.children[i] !== child) host.insertBefore(child, host.children[i] ?? null); });
}

// ---- what if ----------------------------------------------------------------------

async function ask(path, body) {
  const response = await fetch(path, body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(text.trim() || "the server says " + response.status);
  return JSON.parse(text);
}

function chooseKind() {
  const kind = new FormData(byID("ask")).get("kind");
  for (const label of document.querySelectorAll("#ask [data-for]")) {
    const on = label.dataset.for.split(" ").includes(kind);
    label.hidden = !on;
    for (const field of label.querySelectorAll("input, textarea")) {
      field.disabled = !on;
      field.required = on;
    }
  }
}

function showAnswer(answer) {
  const host = byID("answer"), report = answer.report, first = report.answers?.[0];
  const children = [make("p", { class: first && first.fit === first.asked ? "verdict" : "verdict no" }, answer.summary)];
  const placed = (first?.pods ?? []).filter((p) => p.node), waits = (first?.pods ?? []).filter((p) => !p.node);
  if (placed.length) {
    children.push(table("Where the pods would go", ["Pod", "Node", "Product", "GPUs, slice or share", "Slowest link, ring"],
      placed.slice(0, 200).map((p) => [p.name, p.node, p.product ?? "–", p.got ?? "–", p.connection ?? "–"])));
    if (placed.length > 200) children.push(make("p", { class: "none" }, "and " + (placed.length - 200) + " more"));
  }
  const reasons = new Map();
  for (const p of waits) reasons.set(p.reason, [...(reasons.get(p.reason) ?? []), p.name]);
  for (const [reason, names] of reasons) {
    const who = names.slice(0, 4).join(", ") + (names.length > 4 ? " and " + (names.length - 4) + " more" : "");
    children.push(make("div", { class: "reason" }, make("strong", { class: "name" }, who + (names.length > 1 ? " wait" : " waits")), ...paragraphs(reason)));
  }
  const remarks = [...(report.errors ?? []).map((t) => "error: " + t), ...(report.notes ?? [])];
  if (remarks.length) children.push(make("ul", {}, ...remarks.map((t) => make("li", {}, t))));
  if (answer.manifest) {
    const edit = make("button", { type: "button" }, "Change it");
    edit.addEventListener("click", () => {
      const form = byID("ask");
      form.elements.kind.value = "manifest";
      form.elements.manifest.value = answer.manifest;
      chooseKind();
      form.elements.manifest.focus();
    });
    children.push(make("details", {}, make("summary", {}, "The manifest that was asked about"), make("pre", { tabindex: "0" }, answer.manifest), edit));
  }
  host.replaceChildren(...children);
  found.nodes = new Set(placed.map((p) => p.node));
  byID("find").value = "";
  byID("found").textContent = placed.length ? "outlined: where they would go" : "";
  map.soon();
}

async function submit(event) {
  event.preventDefault();
  const form = byID("ask"), now = byID("ask-now"), state = byID("asking"), fields = Object.fromEntries(new FormData(form));
  for (const name of ["count", "copies", "memory"]) if (fields[name] !== undefined) fields[name] = +fields[name];
  now.disabled = true;
  state.textContent = "asking the scheduler";
  try {
    showAnswer(await ask("whatif", fields));
    state.textContent = "";
  } catch (err) {
    state.textContent = "";
    byID("answer").replaceChildren(make("p", { class: "verdict no" }, "No answer"), ...paragraphs(err.message));
  }
  now.disabled = false;
}

// ---- events -----------------------------------------------------------------------

let last = 0, trouble = "";
function setLive(on, text) {
  const live = byID("live");
  live.className = on ? "live on" : "live off";
  if (live.textContent !== text) live.textContent = text;
}
function showSeen() {
  byID("seen").textContent = last ? "changed " + age(new Date(last).toISOString()) + " ago" : "";
  for (const row of shown.pods.values()) row.parts.since.textContent = age(row.pod.since);
}

function take(change) {
  let others = Boolean(change.whole);
  if (change.whole) cluster.nodes.clear();
  for (const node of change.nodes ?? []) {
    const before = cluster.nodes.get(node.name);
    node.gpus ??= [];
    if (!before || before.gpus.length !== node.gpus.length || before.gpus.some((gpu, i) => gpu.product !== node.gpus[i].product)) others = true;
    cluster.nodes.set(node.name, node);
  }
  for (const name of change.gone ?? []) others = cluster.nodes.delete(name) || others;
  if (change.whole) rankClasses();
  for (const node of change.nodes ?? []) drawNode(node);
  if (change.waiting) cluster.waiting = change.waiting;
  if (change.notes) byID("notes").replaceChildren(...change.notes.map((t) => make("li", {}, t)));
  map.renew(others);
  if (byID("find").value) find();
  if (change.waiting) showWaiting();
  if (detail.node && (change.whole || change.nodes?.some((n) => n.name === detail.node) || change.gone?.includes(detail.node))) showNode();
  if (others) {
    const profiles = new Set();
    for (const node of cluster.nodes.values()) for (const gpu of node.gpus) for (const name of gpu.profiles ?? []) profiles.add(name);
    byID("profiles-known").replaceChildren(...[...profiles].sort().map((value) => make("option", { value })));
  }
  last = Date.now();
  showSeen();
  document.documentElement.dataset.version = change.version;
  document.documentElement.dataset.ready = "yes";
}

function listen() {
  const events = new EventSource("events");
  events.addEventListener("change", (e) => { setLive(!trouble, trouble || "live"); take(JSON.parse(e.data)); });
  events.addEventListener("trouble", (e) => { trouble = JSON.parse(e.data); setLive(!trouble, trouble || "live"); });
  events.addEventListener("open", () => setLive(!trouble, trouble || "live"));
  events.addEventListener("error", () => setLive(false, "ashlar ui does not answer: what is shown may be old"));
}

// ---- start ------------------------------------------------------------------------

readColours(0);
const map = new ClusterMap(byID("map-here"));
const resize = (by) => {
  view.size = sizes[clamp(sizes.indexOf(view.size) + by, 0, sizes.length - 1)];
  map.cursor = null;
  map.arrange();
};
byID("map-smaller").addEventListener("click", () => resize(-1));
byID("map-larger").addEventListener("click", () => resize(1));
byID("map-colour").addEventListener("change", (e) => { view.colour = e.target.value; map.refresh(); });
byID("find").addEventListener("input", find);
byID("find").addEventListener("keydown", (e) => {
  if (e.key !== "Enter" || !found.first) return;
  e.preventDefault();
  map.box.focus();
  map.goTo(found.first.node, found.first.gpu);
  requestAnimationFrame(() => requestAnimationFrame(() => { if (map.cursor) map.tell(true); }));
});
byID("ask").addEventListener("submit", submit);
for (const radio of document.querySelectorAll("#ask [name=kind]")) radio.addEventListener("change", chooseKind);
chooseKind();
addEventListener("keydown", (e) => {
  const typing = e.target.closest?.("input, textarea, select");
  if (e.key === "/" && !typing && !e.ctrlKey && !e.metaKey) { e.preventDefault(); byID("find").focus(); }
  if (e.key === "Escape" && detail.node && !typing) closeNode();
});
let width = innerWidth;
addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; map.arrange(); } });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(cluster.classes.length); if (map.source) map.refresh(); });
setInterval(showSeen, 10000);
listen();
