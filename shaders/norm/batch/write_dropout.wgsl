// Like write.wgsl, with dropout after the leaky ReLU: 0 with probability `rate`, else the value / (1 - rate).
// The masks are those of dropout.wgsl: element i takes word i / quarter of random block i % quarter.
//
// Tiling: the number of pictures is a multiple of four. So the four elements of a block are the same pixel of a channel in
// four pictures, a quarter of the batch apart. A lane writes all four. A slice is its share of the first quarter's values.
// Appended to batch_norm.wgsl together with philox.wgsl, which generates the random numbers.

// seed lo, seed hi, step lo, step hi
@group(0) @binding(16) var<uniform> key: vec4u;

fn write(slice: u32, c: u32, t: u32, channel: vec4f) {
  let pivot = select(0.0, pivot_of(c), p.training != 0u);
  let scale = channel.y * channel.z;
  let values = p.n / 4u;
  let quarter = values * p.channels;
  let share = (values + p.count - 1u) / p.count;
  let end = min((slice + 1u) * share, values);
  var j = slice * share + t;
  var at = place(j);
  for (; j < end; j += LANES) {
    var here = address(at, c);
    var random = philox(vec4u(here, p.layer, key.z, key.w), key.xy);
    for (var q = 0u; q < 4u; q++) {
      let v = ((x[here] - pivot) - channel.x) * scale + channel.w;
      y[here] = select(leaky_relu(v, p.slope) * p.factor, 0.0, random.x < p.threshold);
      random = random.yzww;
      here += quarter;
    }
    at = next(at);
  }
}
