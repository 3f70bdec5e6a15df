// The gradient of a padding that repeats elements, along one axis: each element of the tensor gets the sum over all its
// copies in the padded one. MODE, a constant of the loader: REFLECT or REPLICATE, as in window.wgsl.
//
// Layout: y (outer, padded, inner), x (outer, length, inner); element i of the axis is at i + before in y. Invocations
// stride through the n elements of x, neighbours in `inner` side by side.

struct Params {
  n: u32,
  length: u32,
  padded: u32,
  inner: u32,
  before: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;

const REFLECT = 2u;

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var j = id.x; j < p.n; j += groups.x * LANES) {
    let row = j / p.inner;
    let i = row % p.length;
    let base = row / p.length * p.padded * p.inner + j % p.inner;
    // Its copies are at first, first + by, … up to and including `end`.
    var first = i + p.before;
    var end = first;
    var sum = 0.0;
    if (MODE == REFLECT) {
      // Its mirror images: before the first element, and after the last.
      let left = i32(p.before) - i32(i);
      let right = p.before + 2u * (p.length - 1u) - i;
      if (i > 0u && left >= 0) {
        sum += y[base + u32(left) * p.inner];
      }
      if (i + 1u < p.length && right < p.padded) {
        sum += y[base + right * p.inner];
      }
    } else {
      first = select(first, 0u, i == 0u);
      end = select(end, p.padded - 1u, i + 1u == p.length);
    }
    for (var k = first; k <= end; k++) {
      sum += y[base + k * p.inner];
    }
    x[j] = sum;
  }
}
