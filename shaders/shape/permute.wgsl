// Any permutation of up to four axes. The lanes of a workgroup go along one axis, and each lane copies a run along
// another. The host chooses the two so that lanes read or write neighbours, and the other side of a run stays within a
// few cache lines, which are used up before they are evicted. The other axes count planes.
//
//   y[plane + lane * y_lane + i * y_run] = x[plane' + lane * x_lane + i * x_run]
//
// Layout: x and y flat; workgroup (s, r, k) takes lanes LANES * s …, LANES * (s + groups.x) …, elements r * slice … of
// the run, and the planes k, k + groups.z, …, whose two axes are `outer` and `inner`. permute_tiled.wgsl is for GPUs.

struct Params {
  // Elements along the lanes' axis and along the run, and how many of the latter one workgroup takes.
  lanes: u32,
  run: u32,
  slice: u32,
  x_lane: u32,
  y_lane: u32,
  x_run: u32,
  y_run: u32,
  planes: u32,
  inner: u32,
  x_outer: u32,
  x_inner: u32,
  y_outer: u32,
  y_inner: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let end = min(group.y * p.slice + p.slice, p.run);
  for (var lane = group.x * LANES + t; lane < p.lanes; lane += groups.x * LANES) {
    for (var k = group.z; k < p.planes; k += groups.z) {
      let outer = k / p.inner;
      let inner = k % p.inner;
      var from_here = outer * p.x_outer + inner * p.x_inner + lane * p.x_lane + group.y * p.slice * p.x_run;
      var to_here = outer * p.y_outer + inner * p.y_inner + lane * p.y_lane + group.y * p.slice * p.y_run;
      for (var i = group.y * p.slice; i < end; i++) {
        y[to_here] = x[from_here];
        from_here += p.x_run;
        to_here += p.y_run;
      }
    }
  }
}
