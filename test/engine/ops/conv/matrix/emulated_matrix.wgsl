// The operations of conv_matrix.wgsl without matrix units, on any device: the same tiles, indices and rounding to halves, and
// no f16. Of the operations only the multiplication does anything before it: an invocation looks its operands up itself.
//
// Layout: as in subgroup_matrix.wgsl, with halves stored as floats.
//
// Tiling: invocation `lane` of SUBGROUP in a row holds elements lane, lane + SUBGROUP, ... of a Sum, row-major.
// Source: none; what subgroup_matrix.wgsl says of the operations.

enable subgroups;

var<workgroup> a_tile: array<vec4f, A_VECTORS>;
var<workgroup> b_tile: array<vec4f, B_VECTORS>;

struct Left {
  at: u32,
}

struct Right {
  at: u32,
}

alias Sum = array<f32, EACH>;

var<private> lane: u32;

// Subgroups of SUBGROUP invocations, whatever the device has.
fn subgroup_of(t: u32, id: u32) -> u32 {
  lane = t % SUBGROUP;
  return t / SUBGROUP;
}

fn put_a(at: u32, v: vec4f) {
  a_tile[at] = quantizeToF16(v);
}

fn put_b(at: u32, v: vec4f) {
  b_tile[at] = quantizeToF16(v);
}

fn left_at(at: u32) -> Left {
  return Left(at);
}

fn right_at(at: u32) -> Right {
  return Right(at);
}

fn multiply_add(left: Left, right: Right, sum: Sum) -> Sum {
  var more = sum;
  for (var e = 0u; e < EACH; e++) {
    let element = e * SUBGROUP + lane;
    let a_from = left.at + element / N * LINE;
    let b_from = right.at + element % N * LINE;
    for (var q = 0u; q < K / 4u; q++) {
      more[e] += dot(a_tile[a_from + q], b_tile[b_from + q]);
    }
  }
  return more;
}

fn put_sum(sum: Sum, at: u32) {
  var values = sum;
  for (var e = 0u; e < EACH; e++) {
    patches[at + e * SUBGROUP + lane] = values[e];
  }
}
