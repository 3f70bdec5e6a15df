// Cubic resize along one axis, and its transpose, which is its gradient; a picture is resized along one axis, then
// along the other. Each output mixes the four inputs around its source position, by cubic convolution with a = -3/4;
// inputs outside the picture repeat the nearest one inside.
//   corners aligned:   source = o * (in - 1) / (out - 1), the first and last pixels fall on each other
//   otherwise:         source = (o + 1/2) * in / out - 1/2, the edges do
// The source position is kept as a fraction of integers, so that its floor and the weights are as exact as possible.
//
// Layout: x (outer, side, inner), y (outer, to, inner). Invocations stride through the n elements of the result.
// Source: Keys 1981, "Cubic Convolution Interpolation for Digital Image Processing"; as
// torch.nn.functional.interpolate(mode='bicubic').

struct Params {
  n: u32,
  inner: u32,
  side: u32,
  to: u32,
  // 1: corners aligned
  align: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// Source of an output: the pixel before it, from -1 on, and the weights of the four pixels from the one before that on.
struct Place {
  pixel: i32,
  weights: vec4f,
}

fn near(t: f32) -> f32 {
  return (1.25 * t - 2.25) * t * t + 1.0;
}

fn far(t: f32) -> f32 {
  return ((-0.75 * t + 3.75) * t - 6.0) * t + 3.0;
}

fn place_of(o: u32) -> Place {
  var unit = 2u * p.to;
  // Half a pixel to the left may be before the first pixel, so count from one pixel before it.
  var units = (2u * o + 1u) * p.side + p.to;
  if (p.align != 0u) {
    unit = max(p.to, 2u) - 1u;
    units = o * (p.side - 1u) + unit;
  }
  let t = f32(units % unit) / f32(unit);
  let s = f32(unit - units % unit) / f32(unit);
  return Place(i32(units / unit) - 1, vec4f(far(1.0 + t), near(t), near(s), far(1.0 + s)));
}

fn clamped(pixel: i32) -> u32 {
  return u32(clamp(pixel, 0, i32(p.side) - 1));
}

@compute @workgroup_size(LANES)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    let o = i / p.inner % p.to;
    let base = i / p.inner / p.to * p.side * p.inner + i % p.inner;
    let place = place_of(o);
    var sum = 0.0;
    for (var k = 0; k < 4; k++) {
      sum += place.weights[k] * x[base + clamped(place.pixel + k - 1) * p.inner];
    }
    y[i] = sum;
  }
}

@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

// Each input gathers from the outputs that used it, among a few more candidates.
@compute @workgroup_size(LANES)
fn transposed(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    let j = i / p.inner % p.side;
    let base = i / p.inner / p.side * p.to * p.inner + i % p.inner;
    // Outputs whose source is within two pixels, and one more at each end. Sources outside count for the pixels at the
    // ends.
    var first = 0u;
    var end = p.to;
    if (p.side > 1u) {
      let span = select(p.side, p.side - 1u, p.align != 0u);
      let outs = select(p.to, p.to - 1u, p.align != 0u);
      if (j > 0u) {
        first = (max(j, 3u) - 3u) * outs / span;
      }
      if (j < p.side - 1u) {
        end = min((j + 3u) * outs / span + 2u, p.to);
      }
    }
    var sum = 0.0;
    for (var o = first; o < end; o++) {
      let place = place_of(o);
      var weight = 0.0;
      for (var k = 0; k < 4; k++) {
        weight += select(0.0, place.weights[k], clamped(place.pixel + k - 1) == j);
      }
      sum += weight * dy[base + o * p.inner];
    }
    dx[i] = sum;
  }
}
