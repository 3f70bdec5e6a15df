// Part of a tensor, or a tensor within a larger one, along up to four axes at once. MODE, a constant of the loader,
// says where coordinate o of the result looks along an axis of x:
//   PICK       start + o * step: every step-th element from start on; backwards if step is negative
//   SPREAD     (o - start) / step where that is a whole number within x; elsewhere the result is `value`. It undoes PICK,
//              and with step 1 it pads: UNIT says that all steps are 1
//   REFLECT    o - start, reflected at the first and the last element, which are not repeated
//   REPLICATE  o - start, or the nearest element of x
//
// Layout: x and the result row-major, their axes from the outermost (0) to the innermost (3). Invocations stride
// through the n elements of the result by elementwise/loop/coordinates.wgsl, which is appended.

struct Params {
  n: u32,
  size_1: u32,
  size_2: u32,
  size_3: u32,
  from_0: i32,
  from_1: i32,
  from_2: i32,
  from_3: i32,
  start_0: i32,
  start_1: i32,
  start_2: i32,
  start_3: i32,
  step_0: i32,
  step_1: i32,
  step_2: i32,
  step_3: i32,
  value: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

const PICK = 0u;
const SPREAD = 1u;
const REFLECT = 2u;

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let last = vec4i(p.from_0, p.from_1, p.from_2, p.from_3) - 1;
  let start = vec4i(p.start_0, p.start_1, p.start_2, p.start_3);
  let by = vec4i(p.step_0, p.step_1, p.step_2, p.step_3);
  let step = place(groups.x * LANES);
  var at = place(id.x);
  for (var i = id.x; i < p.n; i += groups.x * LANES) {
    let ahead = vec4i(at) - start;
    var found = ahead;
    var inside = true;
    if (MODE == PICK) {
      found = start + vec4i(at) * by;
    } else if (MODE == SPREAD) {
      if (!UNIT) {
        found = ahead / by;
      }
      inside = all(found >= vec4i()) & all(found <= last) & (UNIT | all(found * by == ahead));
    } else if (MODE == REFLECT) {
      found = last - abs(last - abs(ahead));
    } else {
      found = clamp(ahead, vec4i(), last);
    }
    let from_here = ((found.x * (last.y + 1) + found.y) * (last.z + 1) + found.z) * (last.w + 1) + found.w;
    y[i] = select(p.value, x[select(0u, u32(from_here), inside)], inside);
    at = next(at, step);
  }
}
