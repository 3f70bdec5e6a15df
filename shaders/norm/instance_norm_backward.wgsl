// Instance norm, backward. With z = (x - mean) / deviation and the means over a plane's pixels:
//   dx = (dy - mean(dy) - z * mean(dy * z)) / deviation
// Three passes: `sums` goes through x and dy, `combine` adds up what its lanes found, `input` writes dx.
//
// Layout and tiling as in instance_norm.wgsl, whose `table` it reads: (mean, 1 / deviation) of each plane. `partials` holds
// the two sums of each lane, [plane][lane], `slopes` (mean, 1 / deviation, mean(dy), mean(dy * z) / deviation) of a plane.
// Source: as batch_norm_backward.wgsl, with a plane for a channel.

struct Params {
  planes: u32,
  pixels: u32,
  // Pixels of a plane that one workgroup of `input` takes.
  slice: u32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read> table: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> partials: array<vec2f>;

@compute @workgroup_size(LANES)
fn sums(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  for (var k = group.y; k < p.planes; k += groups.y) {
    let plane = table[k];
    var sum = vec2f();
    for (var i = t; i < p.pixels; i += LANES) {
      let here = k * p.pixels + i;
      let g = dy[here];
      sum += vec2f(g, g * ((x[here] - plane.x) * plane.y));
    }
    partials[k * LANES + t] = sum;
  }
}

@group(0) @binding(5) var<storage, read> lanes: array<vec2f>;
@group(0) @binding(6) var<storage, read_write> slopes: array<vec4f>;

// One invocation for each plane.
@compute @workgroup_size(LANES)
fn combine(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let k = id.x + id.y * groups.x * LANES;
  if (k >= p.planes) {
    return;
  }
  var sum = vec2f();
  for (var t = 0u; t < LANES; t++) {
    sum += lanes[k * LANES + t];
  }
  let plane = table[k];
  let means = sum / f32(p.pixels);
  slopes[k] = vec4f(plane, means.x, means.y * plane.y);
}

@group(0) @binding(7) var<storage, read> known: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(LANES)
fn input(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let end = min((group.x + 1u) * p.slice, p.pixels);
  for (var k = group.y; k < p.planes; k += groups.y) {
    let slope = known[k];
    for (var i = group.x * p.slice + t; i < end; i += LANES) {
      let here = k * p.pixels + i;
      dx[here] = slope.y * ((dy[here] - slope.z) - (x[here] - slope.x) * slope.w);
    }
  }
}
