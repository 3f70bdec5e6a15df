// Instance norm, forward: y = (x - mean) / sqrt(variance + eps), for each plane (one channel of one picture) by itself.
// Three passes: `statistics` goes through x, `combine` joins what its lanes found, `normalise` writes y.
//
// Layout: x and y (planes, pixels). In `statistics` one workgroup takes a whole plane, in `normalise` a slice of one; its
// lane t takes values t, t + LANES, … `partials` holds mean and sum of squared deviations of each lane, [plane][lane], `table`
// (mean, 1 / deviation) of each plane. Lanes meet in `combine` and not in workgroup memory: see batch_norm.wgsl.
//
// Statistics: Welford's update along each lane, then the lanes joined in order.
// Source: Ulyanov, Vedaldi & Lempitsky 2016, "Instance Normalization: The Missing Ingredient for Fast Stylization".

struct Params {
  planes: u32,
  pixels: u32,
  // Pixels of a plane that one workgroup of `normalise` takes.
  slice: u32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> partials: array<vec2f>;

@compute @workgroup_size(LANES)
fn statistics(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  for (var k = group.y; k < p.planes; k += groups.y) {
    var values = 0.0;
    var mean = 0.0;
    var squares = 0.0;
    for (var i = t; i < p.pixels; i += LANES) {
      let v = x[k * p.pixels + i];
      let d = v - mean;
      values += 1.0;
      mean += d / values;
      squares += d * (v - mean);
    }
    partials[k * LANES + t] = vec2f(mean, squares);
  }
}

@group(0) @binding(3) var<storage, read> lanes: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> table: array<vec2f>;

// One invocation for each plane.
@compute @workgroup_size(LANES)
fn combine(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let k = id.x + id.y * groups.x * LANES;
  if (k >= p.planes) {
    return;
  }
  // (number of values, mean, sum of squared deviations) so far.
  var sum = vec3f();
  for (var t = 0u; t < LANES; t++) {
    let values = f32((p.pixels + (LANES - 1u) - t) / LANES);
    let lane = lanes[k * LANES + t];
    let n = sum.x + values;
    let share = values / max(n, 1.0);
    let d = lane.x - sum.y;
    sum = vec3f(n, sum.y + d * share, sum.z + lane.y + d * d * sum.x * share);
  }
  table[k] = vec2f(sum.y, 1.0 / sqrt(sum.z / f32(p.pixels) + p.eps));
}

@group(0) @binding(5) var<storage, read> known: array<vec2f>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES)
fn normalise(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let end = min((group.x + 1u) * p.slice, p.pixels);
  for (var k = group.y; k < p.planes; k += groups.y) {
    let plane = known[k];
    for (var i = group.x * p.slice + t; i < end; i += LANES) {
      let here = k * p.pixels + i;
      y[here] = (x[here] - plane.x) * plane.y;
    }
  }
}
