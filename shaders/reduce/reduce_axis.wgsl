// Reduction along one axis: y[o, i] = fold over k of x[o, k, i]. Any tensor is (outer, length, inner) around an axis,
// or around several adjacent ones. A text of fold/, which defines the fold by `start`, `step` and `join`, is appended.
// A long axis is cut into parts, whose results replace it: the kernel runs again on those until one is left. So few
// results still make many invocations, and no invocation adds up more than 4,096 values. It adds them in blocks of 64,
// and then the sums of the blocks: the rounding error grows with the number of blocks, not of values.
//
// Layout: x (outer, length, inner), y (outer, parts, inner).
// `columns`: one invocation per value of the result, neighbours in `inner` side by side; it walks down its part.
// `rows`, for inner = 1: a workgroup shares each part, and lane t takes elements t, t + LANES, …, so that lanes read
// neighbours. Each lane stores its own result: y is (outer, parts * LANES). Lanes do not meet in workgroup memory,
// because a barrier on a CPU driver costs more than another pass.

struct Params {
  // Values of the result, or with `rows` outer * parts.
  n: u32,
  length: u32,
  inner: u32,
  // Elements of the axis in one part.
  slice: u32,
  parts: u32,
  // Factor of the result: 1 / length for a mean.
  factor: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

const BLOCK = 64u;

// Elements from, from + by, … before `end` of an axis that begins at `base`, in blocks.
fn folded(base: u32, from_here: u32, end: u32, by: u32, stride: u32) -> f32 {
  var all = start();
  var k = from_here;
  while (k < end) {
    let stop = min(k + BLOCK * by, end);
    var some = start();
    for (; k < stop; k += by) {
      some = step(some, x[base + k * stride]);
    }
    all = join(all, some);
  }
  return all;
}

@compute @workgroup_size(LANES)
fn columns(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var j = id.x; j < p.n; j += groups.x * LANES) {
    let run = j / p.inner;
    let part = run % p.parts;
    let base = run / p.parts * p.length * p.inner + j % p.inner;
    let end = min((part + 1u) * p.slice, p.length);
    y[j] = p.factor * folded(base, part * p.slice, end, 1u, p.inner);
  }
}

@compute @workgroup_size(LANES)
fn rows(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  for (var run = group.x; run < p.n; run += groups.x) {
    let part = run % p.parts;
    let end = min((part + 1u) * p.slice, p.length);
    y[run * LANES + t] = folded(run / p.parts * p.length, part * p.slice + t, end, LANES, 1u);
  }
}
