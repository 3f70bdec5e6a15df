/**
 * An SVG as a picture, of the size that its root names; where it names none, of its viewBox, as sharp has it in Node. Scripts
 * in it do not run, and nothing that it refers to is fetched.
 * @throws Error when it is no drawing
 */
export async function openSvg(file: Blob): Promise<HTMLImageElement> {
  const drawing = new DOMParser().parseFromString(await file.text(), 'image/svg+xml');
  const root = drawing.documentElement;
  if (!(root instanceof SVGSVGElement)) throw new Error('no SVG');
  const { width, height } = root.viewBox.baseVal ?? {};
  for (const [side, pixels] of Object.entries({ width, height })) {
    const given = root.getAttribute(side);
    if (pixels && (given === null || given.endsWith('%'))) root.setAttribute(side, String(pixels));
  }
  const text = new XMLSerializer().serializeToString(drawing);
  return openImage(new Blob([text], { type: 'image/svg+xml' }));
}

/** A picture, decoded. @throws DOMException when this browser cannot. */
export async function openImage(file: Blob): Promise<HTMLImageElement> {
  const url = URL.createObjectURL(file);
  try {
    const picture = new Image();
    picture.src = url;
    await picture.decode();
    return picture;
  } finally {
    URL.revokeObjectURL(url);
  }
}
