// Walks over the values of a channel. Appended to batch_norm.wgsl and batch_norm_backward.wgsl. Reads plane, channels,
// step_pictures and step_pixels of their Params.

struct Place {
  picture: u32,
  pixel: u32,
}

// The place of value j of a channel.
fn place(j: u32) -> Place {
  return Place(j / p.plane, j % p.plane);
}

// Advances by LANES values, without a division.
fn next(a: Place) -> Place {
  let pixel = a.pixel + p.step_pixels;
  let over = pixel >= p.plane;
  return Place(a.picture + p.step_pictures + select(0u, 1u, over), select(pixel, pixel - p.plane, over));
}

fn address(a: Place, channel: u32) -> u32 {
  return (a.picture * p.channels + channel) * p.plane + a.pixel;
}
