// Cross-entropy of the softmax over the classes of each position against probabilities t that sum to one:
//   f = log(sum over k of exp(x[k] - m)) + sum over k of t[k] * (m - x[k]), m = max x, so that nothing overflows.
// `labelled` and `labelled_backward` take the index of each position's class instead of probabilities. An invalid label
// makes the loss NaN.
// The gradient is (softmax(x)[k] - t[k]) * dy * factor with factor = 1 / positions: reduce_sum.wgsl takes the mean of
// f.
//
// Layout: x, t and dx are (N, classes, plane), y and labels (N, plane). A position is one pixel of one picture.
// Tiling: one invocation per position, or for a stride of them. Classes are few, so each loops over them alone.

struct Params {
  // Positions: N * plane.
  n: u32,
  classes: u32,
  plane: u32,
  factor: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> t: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

// The offset of a position's first class; the others follow, a plane apart.
fn first_of(place: u32) -> u32 {
  return (place / p.plane) * p.classes * p.plane + place % p.plane;
}

// The largest value of a position, and the sum of exp(value - largest), which is rescaled whenever a larger value
// comes.
fn largest_and_sum(first: u32) -> vec2f {
  var largest = x[first];
  var sum = 1.0;
  for (var k = 1u; k < p.classes; k++) {
    let value = x[first + k * p.plane];
    let next = max(largest, value);
    sum = sum * exp(largest - next) + exp(value - next);
    largest = next;
  }
  return vec2f(largest, sum);
}

@compute @workgroup_size(LANES)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var place = id.x; place < p.n; place += groups.x * LANES) {
    let first = first_of(place);
    let found = largest_and_sum(first);
    var loss = log(found.y);
    for (var k = 0u; k < p.classes; k++) {
      let at = first + k * p.plane;
      loss += t[at] * (found.x - x[at]);
    }
    y[place] = loss;
  }
}

@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(LANES)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var place = id.x; place < p.n; place += groups.x * LANES) {
    let first = first_of(place);
    let found = largest_and_sum(first);
    for (var k = 0u; k < p.classes; k++) {
      let at = first + k * p.plane;
      dx[at] = (exp(x[at] - found.x) / found.y - t[at]) * dy[0] * p.factor;
    }
  }
}

@group(0) @binding(6) var<storage, read> labels: array<u32>;

@compute @workgroup_size(LANES)
fn labelled(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var place = id.x; place < p.n; place += groups.x * LANES) {
    let first = first_of(place);
    let found = largest_and_sum(first);
    let label = labels[place];
    let right = x[first + min(label, p.classes - 1u) * p.plane];
    let loss = log(found.y) + (found.x - right);
    y[place] = select(bitcast<f32>(0x7fc00000u + (label & 0u)), loss, label < p.classes);
  }
}

@compute @workgroup_size(LANES)
fn labelled_backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var place = id.x; place < p.n; place += groups.x * LANES) {
    let first = first_of(place);
    let found = largest_and_sum(first);
    let label = labels[place];
    for (var k = 0u; k < p.classes; k++) {
      let at = first + k * p.plane;
      let target_here = select(0.0, 1.0, k == label);
      dx[at] = (exp(x[at] - found.x) / found.y - target_here) * dy[0] * p.factor;
    }
  }
}
