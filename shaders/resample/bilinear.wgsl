// Bilinear resize: each output pixel mixes the four input pixels around its source position.
//   corners aligned:   source = o * (in - 1) / (out - 1), the first and last pixels fall on each other
//   otherwise:         source = (o + 1/2) * in / out - 1/2, the pictures' edges do; cut off to 0 … in - 1
// The source position is kept as a fraction of integers, so that its floor and the weights are exact on every driver.
//
// Layout: x holds planes of in_h * in_w floats, y planes of out_h * out_w. An invocation owns one column of one plane
// of the result (forward) or of x (backward) and walks down a run of its rows. It keeps the values of the row above, so
// that each input is loaded twice in the forward and each gradient about four times in the backward, and computes the
// horizontal weights once. Neighbouring lanes have neighbouring columns. Workgroup (s, r) takes columns LANES * s …,
// LANES * (s + groups.x) …, and rows r * slice ….
// Source: as torch.nn.functional.interpolate(mode='bilinear').

struct Params {
  // Columns of all planes that are walked down, and how many rows one invocation takes.
  columns: u32,
  slice: u32,
  in_h: u32,
  in_w: u32,
  out_h: u32,
  out_w: u32,
  // 1: corners aligned
  align: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// A source position along an axis: whole pixels, and the rest in units of 1 / whole. Stepped from one output to the
// next by addition, because a CPU driver divides integers lane by lane.
struct Place {
  // One more than the pixel, so that half a pixel before the first is not negative.
  pixel: u32,
  rest: u32,
}

// The denominator of every source position along an axis.
fn whole(to: u32) -> u32 {
  return select(2u * to, max(to, 2u) - 1u, p.align != 0u);
}

// Distance between the sources of neighbouring outputs, in units of 1 / whole.
fn pace(side: u32) -> u32 {
  return select(2u * side, side - 1u, p.align != 0u);
}

// Source of output o.
fn place_of(o: u32, side: u32, to: u32) -> Place {
  let start = select(side + to, whole(to), p.align != 0u);
  let units = start + o * pace(side);
  return Place(units / whole(to), units % whole(to));
}

// Source of the next output.
fn next(a: Place, step: Place, unit: u32) -> Place {
  let rest = a.rest + step.rest;
  let over = rest >= unit;
  return Place(a.pixel + step.pixel + select(0u, 1u, over), select(rest, rest - unit, over));
}

// The pixel before a source, and its fraction of the way to the next pixel. Both stay within the picture.
fn pixel_of(a: Place, side: u32) -> u32 {
  return min(max(a.pixel, 1u) - 1u, side - 1u);
}

fn rest_of(a: Place, side: u32) -> u32 {
  return select(0u, a.rest, (a.pixel >= 1u) & (a.pixel < side));
}

@compute @workgroup_size(LANES)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let first_row = group.y * p.slice;
  let end_row = min(first_row + p.slice, p.out_h);
  let unit = whole(p.out_h);
  let step = Place(pace(p.in_h) / unit, pace(p.in_h) % unit);
  for (var column = group.x * LANES + t; column < p.columns; column += groups.x * LANES) {
    let k = column / p.out_w;
    let col = column % p.out_w;
    let across = place_of(col, p.in_w, p.out_w);
    let left = pixel_of(across, p.in_w);
    let right = f32(rest_of(across, p.in_w)) / f32(whole(p.out_w));
    let beside = min(left + 1u, p.in_w - 1u) - left;
    let top_left = k * p.in_h * p.in_w + left;
    var to_here = (k * p.out_h + first_row) * p.out_w + col;
    var place = place_of(first_row, p.in_h, p.out_h);
    // The input rows above and below the output row; `have` is one more than the number of the one below.
    var have = pixel_of(place, p.in_h);
    var above = 0.0;
    var below = 0.0;
    for (var row = first_row; row < end_row; row++) {
      let top = pixel_of(place, p.in_h);
      let down = f32(rest_of(place, p.in_h)) / f32(unit);
      // Runs once per new row; twice at the start, and if rows are skipped.
      have = max(have, top);
      while (have < min(top + 2u, p.in_h)) {
        let a = top_left + have * p.in_w;
        above = below;
        below = (1.0 - right) * x[a] + right * x[a + beside];
        have++;
      }
      // The last row has nothing below; its weight is 0 there.
      let upper = select(above, below, have == top + 1u);
      y[to_here] = (1.0 - down) * upper + down * below;
      to_here += p.out_w;
      place = next(place, step, unit);
    }
  }
}

// dx: each input pixel gathers from the outputs whose sources are less than one pixel away, in a fixed order. A row of
// outputs contributes to the input rows above and below it: both sums are carried along.

@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

// How much of input i an output took: 1 on it, falling to 0 one pixel away.
fn share(i: u32, a: Place, side: u32, unit: u32) -> f32 {
  let pixel = pixel_of(a, side);
  let rest = rest_of(a, side);
  let units = select(select(0u, rest, pixel + 1u == i), unit - rest, pixel == i);
  return f32(units) / f32(unit);
}

// The first output whose source is less than one pixel before input i.
fn first_from(i: u32, side: u32, to: u32) -> u32 {
  if (i == 0u) {
    return 0u;
  }
  if (p.align != 0u) {
    return (i - 1u) * whole(to) / (side - 1u) + 1u;
  }
  return ((2u * i - 1u) * to / side + 1u) / 2u;
}

// One past the last output whose source is less than one pixel after input i.
fn end_from(i: u32, side: u32, to: u32) -> u32 {
  if (i == side - 1u) {
    return to;
  }
  if (p.align != 0u) {
    return min(((i + 1u) * whole(to) - 1u) / (side - 1u) + 1u, to);
  }
  return min((((2u * i + 3u) * to - 1u) / side + 1u) / 2u, to);
}

@compute @workgroup_size(LANES)
fn backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) t: u32,
) {
  let first_row = group.y * p.slice;
  let end_row = min(first_row + p.slice, p.in_h);
  let top = first_from(first_row, p.in_h, p.out_h);
  let bottom = end_from(end_row - 1u, p.in_h, p.out_h);
  let unit_h = whole(p.out_h);
  let unit_w = whole(p.out_w);
  let step_h = Place(pace(p.in_h) / unit_h, pace(p.in_h) % unit_h);
  let step_w = Place(pace(p.in_w) / unit_w, pace(p.in_w) % unit_w);
  for (var column = group.x * LANES + t; column < p.columns; column += groups.x * LANES) {
    let k = column / p.in_w;
    let col = column % p.in_w;
    let left = first_from(col, p.in_w, p.out_w);
    let right = end_from(col, p.in_w, p.out_w);
    let leftmost = place_of(left, p.in_w, p.out_w);
    var place = place_of(top, p.in_h, p.out_h);
    // Input row `row` is being summed; `sum_below` is the sum of the next one so far.
    var row = first_row;
    var sum = 0.0;
    var sum_below = 0.0;
    for (var v = top; v < bottom; v++) {
      let upper = pixel_of(place, p.in_h);
      // Rows that are complete; several at a time if the picture shrinks.
      while (row < upper) {
        dx[(k * p.in_h + row) * p.in_w + col] = sum;
        sum = sum_below;
        sum_below = 0.0;
        row++;
      }
      let from_here = (k * p.out_h + v) * p.out_w;
      var across = 0.0;
      var at = leftmost;
      for (var u = left; u < right; u++) {
        across += share(col, at, p.in_w, unit_w) * dy[from_here + u];
        at = next(at, step_w, unit_w);
      }
      sum += share(row, place, p.in_h, unit_h) * across;
      sum_below += share(row + 1u, place, p.in_h, unit_h) * across;
      place = next(place, step_h, unit_h);
    }
    for (; row < end_row; row++) {
      dx[(k * p.in_h + row) * p.in_w + col] = sum;
      sum = sum_below;
      sum_below = 0.0;
    }
  }
}
