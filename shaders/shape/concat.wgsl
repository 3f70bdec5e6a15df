// Copies one run of each picture into its place among others: y[k, y_start + i] = x[k, x_start + i] for every picture k
// of a batch and i < n. Concatenation on channels is one such copy for each part, its gradient one for each
// part in the other direction: in (N, C, H, W) some neighbouring channels of a picture are one run.
//
// Layout: x and y hold one picture every x_stride and y_stride floats. Workgroup (s, k) takes slice s of the runs of the
// pictures k, k + groups.y, …, its lanes neighbouring elements.

struct Params {
  // Elements of a run, and how many of them are one slice.
  n: u32,
  slice: u32,
  batch: u32,
  x_start: u32,
  x_stride: u32,
  y_start: u32,
  y_stride: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES)
fn copy(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let end = min((group.x + 1u) * p.slice, p.n);
  for (var k = group.y; k < p.batch; k += groups.y) {
    for (var i = group.x * p.slice + t; i < end; i += LANES) {
      y[k * p.y_stride + p.y_start + i] = x[k * p.x_stride + p.x_start + i];
    }
  }
}
