// Permutation of up to four axes where the last one moves; a matrix transpose is the plain case. Tiles of 32 x 32 over
// the two axes that matter go through workgroup memory: `fast`, along which the source is contiguous, and `last`, along
// which the result is. Reads and writes are then rows of 32 neighbours, while a direct copy would touch a cache line
// per element on one side. A padding column avoids bank conflicts.
//
// Layout: a source element is at fast + last * x_last, a result element at last + fast * y_fast, both plus what the
// other two axes (outer, inner) add. Workgroup (i, j, k) has tile i along fast and j along last, and goes through the
// places k, k + groups.z, … of the other two; of its 256 invocations, 32 make a row and each takes 4 rows.
// Source: Ruetsch & Micikevicius 2009, "Optimizing Matrix Transpose in CUDA".

struct Params {
  fast: u32,
  last: u32,
  x_last: u32,
  y_fast: u32,
  // outer * inner
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

const TILE = 32u;
const ROWS = 8u;

var<workgroup> tile: array<array<f32, 33>, 32>;

@compute @workgroup_size(32, 8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) t: vec3u,
) {
  let fast = group.x * TILE;
  let last = group.y * TILE;
  for (var k = group.z; k < p.planes; k += groups.z) {
    let outer = k / p.inner;
    let inner = k % p.inner;
    let from_here = outer * p.x_outer + inner * p.x_inner + fast + t.x;
    for (var r = t.y; r < TILE; r += ROWS) {
      if (fast + t.x < p.fast && last + r < p.last) {
        tile[r][t.x] = x[from_here + (last + r) * p.x_last];
      }
    }
    workgroupBarrier();
    let to_here = outer * p.y_outer + inner * p.y_inner + last + t.x;
    for (var r = t.y; r < TILE; r += ROWS) {
      if (last + t.x < p.last && fast + r < p.fast) {
        y[to_here + (fast + r) * p.y_fast] = tile[t.x][r];
      }
    }
    workgroupBarrier();
  }
}
