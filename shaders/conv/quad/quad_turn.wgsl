// Exchanges values within a subgroup of four lanes: lane l gets the value of lane l ^ turn. `turn` is constant at every
// call, so it compiles to one instruction. Appended to conv_quad.wgsl and conv_quad_weight.wgsl.

fn turned(value: f32, turn: u32) -> f32 {
  switch turn {
    case 0u: { return value; }
    case 1u: { return quadSwapX(value); }
    case 2u: { return quadSwapY(value); }
    default: { return quadSwapDiagonal(value); }
  }
}
