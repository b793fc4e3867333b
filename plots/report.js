"use strict";
// What the page draws: Plotly's charts in the page's own colours, and the two maps of embeddings, in
// which a point shows its fragment. The values stand in data.js: `v3report`.
(() => {
  if (!window.Plotly || !window.v3report) return; // the pictures stay
  const { charts, map } = window.v3report;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const config = { responsive: true, displayModeBar: false };

  function themed(layout) {
    const ink = colour("--ink");
    const line = colour("--line");
    const axis = { gridcolor: line, zerolinecolor: line, linecolor: line };
    return {
      ...layout,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: ink, size: 12, family: getComputedStyle(document.body).fontFamily },
      hoverlabel: { bgcolor: colour("--panel"), bordercolor: line, font: { color: ink } },
      xaxis: { ...layout.xaxis, ...axis },
      yaxis: { ...layout.yaxis, ...axis },
    };
  }

  const drawn = {};
  for (const figure of document.querySelectorAll("figure[data-chart]")) {
    const chart = charts[figure.dataset.chart];
    if (!chart) continue;
    const place = figure.querySelector(".chart");
    const layout = { ...chart.layout, dragmode: false };
    figure.classList.add("drawn");
    Plotly.newPlot(place, chart.data, themed(layout), config);
    drawn[figure.dataset.chart] = { place, layout };
  }
  dark.addEventListener("change", () => {
    for (const { place, layout } of Object.values(drawn)) Plotly.relayout(place, themed(layout));
    if (map) paint(kind);
  });

  // --- the maps --------------------------------------------------------------------------------
  if (!map) return;
  const maps = [drawn.map_content, drawn.map_style].map(({ place }) => place);
  const preview = document.getElementById("preview");
  const legend = document.getElementById("legend");
  const radios = [...document.querySelectorAll("input[name=colouring]")];
  let kind = radios.find((radio) => radio.checked).value;
  let chosen = -1;

  const nameOf = (kind, point) => {
    const { names, labels } = map.colourings[kind];
    return labels[point] < 0 ? "unknown" : names[labels[point]];
  };

  function element(tag, text) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function show(point) {
    chosen = point;
    const sheet = map.sheet;
    const tile = element("span");
    tile.className = "tile";
    tile.setAttribute("role", "img");
    tile.setAttribute("aria-label", "The fragment");
    const scale = Math.max(1, Math.floor(144 / Math.max(sheet.width, sheet.height)));
    const style = {
      "--w": sheet.width, "--h": sheet.height, "--c": sheet.columns, "--s": scale,
      "--x": point % sheet.columns, "--y": Math.floor(point / sheet.columns),
    };
    for (const [name, value] of Object.entries(style)) tile.style.setProperty(name, value);
    tile.style.backgroundImage = `url("${map.folder}/${sheet.file}")`;
    const list = element("dl");
    for (const kind of Object.keys(map.colourings)) {
      list.append(element("dt", kind), element("dd", nameOf(kind, point)));
    }
    list.append(element("dt", "sample"), element("dd", map.samples[point]));
    preview.replaceChildren(tile, list);
    maps.forEach((place) => {
      const { x, y } = place.data[0];
      Plotly.restyle(place, { x: [[x[point]]], y: [[y[point]]] }, [place.data.length - 1]);
    });
  }

  function paint(wanted) {
    kind = wanted;
    const { colours, labels, names } = map.colourings[kind];
    const shades = labels.map((label) => (label < 0 ? "#999999" : colours[label]));
    maps.forEach((place) => {
      const ring = place.data.length - 1;
      Plotly.restyle(place, { "marker.color": [shades] }, [0]);
      Plotly.restyle(place, { "marker.color": [colour("--ink")] }, [ring]);
      if (ring > 1) {
        const atoms = { "marker.color": [colour("--paper")], "marker.line.color": [colour("--ink")] };
        Plotly.restyle(place, atoms, [1]);
      }
    });
    const found = [...new Set(labels)].filter((label) => label >= 0).sort((a, b) => a - b);
    legend.hidden = found.length > 20; // more colours than can be told apart: they repeat
    legend.replaceChildren(...found.slice(0, 20).map((label) => {
      const item = element("li");
      const dot = element("i");
      dot.style.background = colours[label];
      item.append(dot, names[label]);
      return item;
    }));
  }

  // The nearest point in the direction of an arrow key: far to the side counts three times.
  function towards(place, point, across, up) {
    const { x, y } = place.data[0];
    let best = point;
    let least = Infinity;
    for (let other = 0; other < x.length; other++) {
      const ahead = (x[other] - x[point]) * across + (y[other] - y[point]) * up;
      const aside = Math.abs((x[other] - x[point]) * up) + Math.abs((y[other] - y[point]) * across);
      const cost = ahead + 3 * aside;
      if (ahead > 0 && cost < least) {
        least = cost;
        best = other;
      }
    }
    return best;
  }

  const KEYS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  maps.forEach((place) => {
    place.on("plotly_hover", ({ points }) => {
      const dot = points.find((point) => point.curveNumber === 0);
      if (dot && dot.pointNumber !== chosen) show(dot.pointNumber);
    });
    place.addEventListener("focus", () => show(Math.max(0, chosen)));
    place.addEventListener("keydown", (event) => {
      if (!(event.key in KEYS) || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      show(towards(place, Math.max(0, chosen), ...KEYS[event.key]));
    });
  });
  for (const radio of radios) radio.addEventListener("change", () => paint(radio.value));
  paint(kind);
})();
