/**
 * Icons, drawn here as line art of 24 x 24; always beside a word, so hidden from screen readers.
 * @module
 */

const PATHS = {
  microphone: ["M12 3a3 3 0 0 1 3 3v6a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3z", "M6 11v1a6 6 0 0 0 12 0v-1", "M12 18v3", "M9 21h6"],
  microphoneOff: ["M15 9V6a3 3 0 0 0-5.7-1.3", "M9 9v3a3 3 0 0 0 4.6 2.5", "M6 11v1a6 6 0 0 0 9.6 4.8", "M18 11v1a6 6 0 0 1-.3 1.9", "M12 18v3", "M9 21h6", "M4 3l17 18"],
  camera: ["M4 7h9a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2z", "M15 11l6-3.5v9L15 13"],
  cameraOff: ["M9 7h4a2 2 0 0 1 2 2v3", "M15 15.5A2 2 0 0 1 13 17H4a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2h.5", "M15 11l6-3.5v9l-3-1.7", "M3 3l18 18"],
  more: ["M4 7h9", "M17 7h3", "M4 17h3", "M11 17h9", "M15 7m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0", "M9 17m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0"],
  end: ["M3 14.5c0-5 4-7 9-7s9 2 9 7c0 1-.6 1.7-1.6 1.5l-3-.6c-.8-.2-1.2-.8-1.2-1.6v-1.5c-2-.7-4.4-.7-6.4 0v1.5c0 .8-.4 1.4-1.2 1.6l-3 .6c-1 .2-1.6-.5-1.6-1.5z"],
  pause: ["M8 5v14", "M16 5v14"],
  resume: ["M7 5l12 7-12 7z"],
  admit: ["M14 3h4a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2h-4", "M4 12h11", "M11 8l4 4-4 4"],
  sound: ["M4 9v6h4l5 4V5L8 9z", "M16.5 9a4 4 0 0 1 0 6", "M19 6.5a8 8 0 0 1 0 11"],
  screen: ["M4 5h16a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1z", "M9 21h6", "M12 17v4", "M12 14V8", "M9.5 10.5L12 8l2.5 2.5"],
  picture: ["M4 5h16a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1z", "M3 16l5-5 4.5 4.5", "M11 14l3.5-3.5L21 17", "M8.5 8.5m-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0"],
  clock: ["M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18z", "M12 7v5l3.5 2"],
  people: ["M9 11a3.5 3.5 0 1 0 0-7a3.5 3.5 0 0 0 0 7z", "M3 20c0-3.5 2.5-6 6-6s6 2.5 6 6", "M16 11a3 3 0 1 0-1-5.8", "M17 14.5c2.5.5 4 2.5 4 5.5"],
  check: ["M5 12.5l4.5 4.5L19 7.5"],
  lock: ["M7 11h10a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1z", "M9 11V8a3 3 0 0 1 6 0v3"],
  warning: ["M12 4l9 16H3z", "M12 10v4", "M12 17v.5"],
};

/** @typedef {keyof typeof PATHS} IconName */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {IconName} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  for (const d of PATHS[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}
