// Normalises lane t's values of a slice of channel c. Appended to batch_norm.wgsl; layout and tiling as there. `channel` is
// the channel's row of the table.

fn write(slice: u32, c: u32, t: u32, channel: vec4f) {
  let pivot = select(0.0, pivot_of(c), p.training != 0u);
  let scale = channel.y * channel.z;
  let end = min((slice + 1u) * p.slice, p.n);
  var j = slice * p.slice + t;
  var at = place(j);
  for (; j < end; j += LANES) {
    let here = address(at, c);
    let v = ((x[here] - pivot) - channel.x) * scale + channel.w;
    y[here] = leaky_relu(v, p.slope);
    at = next(at);
  }
}
