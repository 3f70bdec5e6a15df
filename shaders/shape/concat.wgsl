// Joins the planes of two tensors picture by picture, or splits them again: in (N, C, H, W) along channels; any other
// axis is such a case with other planes. The second tensor may be larger: then its centre is joined (a crop), and its
// gradient is 0 around the centre.
//
//   join   y[n, k] = a[n, k] for k < a_planes, then the middle of b[n, k - a_planes]
//   split  the reverse, the gradient of join
//
// `join` with b_planes = 0 places only a; `split_a` extracts only a.
//
// Layout: a (N, a_planes, pixels), b (N, b_planes, b_height * b_width), y (N, y_planes, pixels) with a from plane
// `first` on. Workgroup (s, j) takes slice s of the planes j, j + groups.y, … that are joined, its lanes neighbouring
// pixels. plane.wgsl is appended.

struct Params {
  // Pixels of a plane of y, its width, and how many pixels are one slice.
  pixels: u32,
  width: u32,
  slice: u32,
  // A step of LANES pixels as rows and columns, in y if it is written, in b if that is.
  step_rows: u32,
  step_cols: u32,
  // Planes of all pictures that this dispatch joins, those of one in a, in b and in y, and where a begins.
  planes: u32,
  a_planes: u32,
  b_planes: u32,
  y_planes: u32,
  first: u32,
  // Sides of a plane of b, and where y begins in it.
  b_height: u32,
  b_width: u32,
  down: u32,
  right: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

// The plane of a or b that a joined plane is, and its plane in y.
struct Plane {
  is_a: bool,
  of_part: u32,
  of_y: u32,
}

fn plane(j: u32) -> Plane {
  let joined = p.a_planes + p.b_planes;
  let n = j / joined;
  let k = j % joined;
  let is_a = k < p.a_planes;
  let of_part = select(n * p.b_planes + k - p.a_planes, n * p.a_planes + k, is_a);
  return Plane(is_a, of_part, n * p.y_planes + p.first + k);
}

@compute @workgroup_size(LANES)
fn join(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let start = group.x * p.slice + t;
  let end = min((group.x + 1u) * p.slice, p.pixels);
  for (var j = group.y; j < p.planes; j += groups.y) {
    let here = plane(j);
    if (here.is_a) {
      for (var i = start; i < end; i += LANES) {
        y[here.of_y * p.pixels + i] = a[here.of_part * p.pixels + i];
      }
    } else {
      let corner = (here.of_part * p.b_height + p.down) * p.b_width + p.right;
      var at = vec2u(start / p.width, start % p.width);
      for (var i = start; i < end; i += LANES) {
        y[here.of_y * p.pixels + i] = b[corner + at.x * p.b_width + at.y];
        at = next(at, p.width);
      }
    }
  }
}

@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read_write> da: array<f32>;
@group(0) @binding(6) var<storage, read_write> db: array<f32>;

@compute @workgroup_size(LANES)
fn split(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let start = group.x * p.slice + t;
  let end = (group.x + 1u) * p.slice;
  let height = p.pixels / p.width;
  let b_pixels = p.b_height * p.b_width;
  for (var j = group.y; j < p.planes; j += groups.y) {
    let here = plane(j);
    if (here.is_a) {
      for (var i = start; i < min(end, p.pixels); i += LANES) {
        da[here.of_part * p.pixels + i] = dy[here.of_y * p.pixels + i];
      }
    } else {
      var at = vec2u(start / p.b_width, start % p.b_width);
      for (var i = start; i < min(end, b_pixels); i += LANES) {
        // Before the first row or column is far beyond the last, without a sign.
        let row = at.x - p.down;
        let col = at.y - p.right;
        let inside = (row < height) & (col < p.width);
        let from_here = select(0u, here.of_y * p.pixels + row * p.width + col, inside);
        db[here.of_part * b_pixels + i] = select(f32(), dy[from_here], inside);
        at = next(at, p.b_width);
      }
    }
  }
}

@compute @workgroup_size(LANES)
fn split_a(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let end = min((group.x + 1u) * p.slice, p.pixels);
  for (var j = group.y; j < p.planes; j += groups.y) {
    let here = plane(j);
    for (var i = group.x * p.slice + t; i < end; i += LANES) {
      da[here.of_part * p.pixels + i] = dy[here.of_y * p.pixels + i];
    }
  }
}
