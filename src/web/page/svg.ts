/**
 * Opens an SVG as a picture of the size given by its root, or else by its viewBox, as sharp does in Node. Its scripts
 * do not run, and external references are not fetched.
 * @throws Error if it is not an SVG
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

/** Decodes a picture. @throws DOMException if this browser cannot */
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
