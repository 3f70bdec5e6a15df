// One-hot vectors: y[i, c] = 1 where index[i] = c, 0 elsewhere. An index beyond the last class gives only zeros.
//
// Layout: index (count), y (count, classes). One invocation per value of y.

struct Params {
  n: u32,
  classes: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> index: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var j = id.x; j < p.n; j += groups.x * LANES) {
    y[j] = select(0.0, 1.0, index[j / p.classes] == j % p.classes);
  }
}
