// Draws the figures of /stats.json every second: tiles, plots of the last ten minutes, spreads, tables. Keeps nothing but those ten minutes.
const KEPT = 600;
const SVG = "http://www.w3.org/2000/svg";
const samples = [];

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const bytes = (n) => {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  while (n >= 1024 && at < units.length - 1) { n /= 1024; at++; }
  return `${number.format(n)} ${units[at]}`;
};
const seconds = (s) => (s < 0.001 ? `${number.format(s * 1e6)} µs` : s < 1 ? `${number.format(s * 1e3)} ms` : s < 120 ? `${number.format(s)} s`
  : s < 7200 ? `${number.format(s / 60)} min` : `${number.format(s / 3600)} h`);
const percent = (n) => `${number.format(n * 100)} %`;

const element = (name, text, attributes = {}) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};
const drawn = (name, attributes) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};

// What a figure was at a sample, and by how much a counter grew a second since the one before.
const now = (name) => (s) => s.figures[name];
const rate = (name) => (s, before) => before && (s.figures[name] - before.figures[name]) / ((s.at - before.at) / 1000);
const ratio = (part, rest) => (s, before) => {
  if (!before) return undefined;
  const [a, b] = [part, rest].map((name) => s.figures[name] - before.figures[name]);
  return a + b > 0 ? a / (a + b) : undefined;
};
const share = (name) => (s, before) => before && (s.figures[name] - before.figures[name]) / ((s.at - before.at) * 1000);
const worst = (field) => (s) => Math.max(0, ...s.figures.workers.map((w) => w[field])) / 1e6;
const sum = (read) => (s) => s.figures.workers.reduce((all, w) => all + read(w), 0);

const TILES = [
  ["Users", (f) => number.format(f.users)],
  ["Attached", (f) => number.format(f.users_attached)],
  ["Detached", (f) => number.format(f.users - f.users_attached)],
  ["Connections", (f) => number.format(f.connections_open)],
  ["Streams", (f) => number.format(f.streams - f.streams_ended)],
  ["IM accounts", (f) => number.format(f.workers.reduce((all, w) => all + w.load.accounts, 0))],
  ["Workers", (f) => number.format(f.workers.length)],
  ["Daemon's memory", (f) => bytes(f.web_memory_bytes ?? 0)],
  ["Memory a user", (f) => (f.users > 0 ? bytes((f.web_memory_bytes + f.workers.reduce((all, w) => all + w.memory, 0)) / f.users) : "none")],
  ["Database", (f) => (f.store_kept === undefined ? "none" : f.store_kept ? "takes writes" : "away")],
];
const PLOTS = [
  ["Messages a second", number.format, [["received", rate("messages_received")], ["sent", rate("messages_sent")]]],
  ["Requests a second", number.format, [["requests", rate("requests")], ["polls", rate("polls")], ["commands", rate("commands_accepted")]]],
  ["Users", number.format, [["all", now("users")], ["attached", now("users_attached")]]],
  ["Answers without events", percent, [["of all polls", ratio("answers_empty", "answers")]]],
  ["Processor time, of one core", percent, [["daemon", share("web_cpu_microseconds")],
    ["workers", (s, before) => before && Math.max(0, sum((w) => w.load.cpu_us)(s) - sum((w) => w.load.cpu_us)(before)) / ((s.at - before.at) * 1000)]]],
  ["Memory", bytes, [["daemon", now("web_memory_bytes")], ["workers", sum((w) => w.memory)]]],
  ["The slowest worker's lag", seconds, [["lag", worst("lag_us")]]],
  ["Starts anew, a minute", number.format, [["gap", (s, b) => b && rate("resets_gap")(s, b) * 60], ["epoch", (s, b) => b && rate("resets_epoch")(s, b) * 60],
    ["unknown client", (s, b) => b && rate("resets_client")(s, b) * 60]]],
  ["Writes to the database", number.format, [["waiting", now("store_writes_waiting")], ["done a second", rate("store_writes_done")]]],
  ["Workers lost, accounts waiting", number.format, [["lost", now("workers_restarted")], ["waiting", now("accounts_waiting")], ["aside", now("accounts_aside")]]],
];

const figure = (title) => {
  const made = element("figure");
  const caption = element("figcaption", title);
  const picture = drawn("svg", { viewBox: "0 0 600 120", preserveAspectRatio: "none", role: "img", "aria-label": title });
  const key = element("div", undefined, { class: "key" });
  const scale = element("div", undefined, { class: "scale" });
  made.append(caption, picture, scale, key);
  return { made, picture, key, scale };
};

const plots = PLOTS.map(([title, format, lines]) => {
  const parts = figure(title);
  document.getElementById("plots").append(parts.made);
  return () => {
    const rows = lines.map(([, read]) => samples.map((s, at) => read(s, samples[at - 1])));
    const most = Math.max(0, ...rows.flat().filter(Number.isFinite)) || 1;
    const shown = rows.map((row, at) => {
      const points = row.map((value, n) => (Number.isFinite(value) ? `${600 - (row.length - 1 - n)},${118 - (value / most) * 114}` : null));
      return drawn("polyline", { class: `line-${at}`, points: points.filter(Boolean).join(" ") });
    });
    const grid = [4, 61, 118].map((y) => drawn("line", { class: "grid", x1: 0, x2: 600, y1: y, y2: y }));
    parts.picture.replaceChildren(...grid, ...shown);
    parts.scale.replaceChildren(element("span", "10 minutes ago"), element("span", `top: ${format(most)}`));
    parts.key.replaceChildren(...lines.map(([name], at) => {
      const last = rows[at].at(-1);
      return element("span", `${name} ${Number.isFinite(last) ? format(last) : "none"}`, { class: `line-${at}` });
    }));
  };
});

// Spreads: how many fell below each bound, since the start.
const spreads = new Map();
const spread = (name, one) => {
  if (!spreads.has(name)) {
    const parts = figure(one.help);
    document.getElementById("spreads").append(parts.made);
    spreads.set(name, parts);
  }
  const { picture, key, scale } = spreads.get(name);
  const format = one.unit === "seconds" ? seconds : number.format;
  const most = Math.max(1, ...one.counts);
  const width = 600 / one.counts.length;
  picture.replaceChildren(...one.counts.map((count, at) => {
    const height = (count / most) * 114;
    const bar = drawn("rect", { class: "bar", x: at * width + 1, width: Math.max(1, width - 2), y: 118 - height, height });
    const upper = at < one.bounds.length ? `up to ${format(one.bounds[at])}` : `above ${format(one.bounds.at(-1))}`;
    bar.append(Object.assign(drawn("title", {}), { textContent: `${upper}: ${number.format(count)}` }));
    return bar;
  }));
  scale.replaceChildren(element("span", `up to ${format(one.bounds[0])}`), element("span", `above ${format(one.bounds.at(-1))}`));
  const total = one.counts.reduce((a, b) => a + b, 0);
  const quantile = (q) => {
    let seen = 0;
    const at = one.counts.findIndex((count) => (seen += count) >= total * q);
    return at < one.bounds.length ? `≤ ${format(one.bounds[at])}` : `> ${format(one.bounds.at(-1))}`;
  };
  key.replaceChildren(element("span", total > 0 ? `${number.format(total)}; median ${quantile(0.5)}, 99 % ${quantile(0.99)}` : "none yet", { class: "line-0" }));
};

const table = (id, head, rows, empty) => {
  const made = rows.map((cells) => {
    const row = element("tr");
    row.append(...cells.map((cell) => element("td", cell)));
    return row;
  });
  const top = element("tr");
  top.append(...head.map((text) => element("th", text, { scope: "col" })));
  if (made.length === 0) made.push(element("tr"));
  if (rows.length === 0) made[0].append(element("td", empty, { class: "empty", colspan: head.length }));
  document.getElementById(id).replaceChildren(top, ...made);
};

const draw = (figures) => {
  document.getElementById("now").replaceChildren(...TILES.map(([title, read]) => {
    const tile = element("div");
    tile.append(element("dt", title), element("dd", read(figures)));
    return tile;
  }));
  plots.forEach((plot) => plot());
  Object.entries(figures.spreads ?? {}).forEach(([name, one]) => spread(name, one));
  table("workers", ["Worker", "State", "Accounts", "Buddies", "Memory", "Lag", "Longest turn", "Longest call", "Waiting"],
    figures.workers.map((w) => [`${w.number} ${w.group}`, w.state, number.format(w.load.accounts), number.format(w.load.buddies), bytes(w.memory),
      seconds(w.lag_us / 1e6), seconds(w.load.longest_turn_us / 1e6), seconds(w.load.longest_call_us / 1e6), number.format(w.load.commands)]),
    "libpurple runs in the daemon itself.");
  table("sign-ons", ["Network", "Outcome", "How often"],
    (figures.sign_ons ?? []).map((one) => [one.protocol, one.outcome, number.format(one.count)]), "Nobody has signed on yet.");
  document.getElementById("aside-part").hidden = figures.aside.length === 0;
  table("aside", ["What", "Which", "Seconds left", "Why"], figures.aside.map((one) => [one.kind, one.name, number.format(one.seconds), one.why]), "");
  const help = figures.help ?? {};
  table("all", ["Figure", "Value", "What it is"],
    Object.entries(figures).filter(([, value]) => typeof value === "number").map(([name, value]) => [name, number.format(value), help[name] ?? ""]), "");
};

const state = document.getElementById("state");
const tick = async () => {
  try {
    const answer = await fetch("stats.json", { cache: "no-store" });
    if (!answer.ok) throw new Error(`the daemon answered ${answer.status}`);
    const figures = await answer.json();
    samples.push({ at: performance.now(), figures });
    while (samples.length > KEPT) samples.shift();
    draw(figures);
    state.textContent = `version ${figures.version}, as of ${new Date().toLocaleTimeString()}`;
    state.classList.remove("bad");
  } catch (error) {
    state.textContent = `No figures: ${error.message}. Trying again.`;
    state.classList.add("bad");
  }
  setTimeout(tick, 1000);
};
tick();
