/** Draws a text as a QR code. */
import { encode } from 'uqr';

/** Light modules around the code: readers need four. */
const border = 4;

/** An SVG that is black on white in every theme, because many readers see nothing else. */
export function qrCode(text: string): SVGSVGElement {
  const { data, size } = encode(text, { ecc: 'M', border });
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', `0 0 ${size} ${size}`);
  svg.setAttribute('shape-rendering', 'crispEdges');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', outline(data));
  svg.append(path);
  return svg;
}

/** One bar for each run of dark modules in a row. */
function outline(rows: readonly (readonly boolean[])[]): string {
  let bars = '';
  rows.forEach((row, y) => {
    for (let x = 0; x < row.length; x++) {
      if (row[x] !== true) continue;
      const start = x;
      while (row[x + 1] === true) x += 1;
      bars += `M${start} ${y}h${x + 1 - start}v1H${start}z`;
    }
  });
  return bars;
}
