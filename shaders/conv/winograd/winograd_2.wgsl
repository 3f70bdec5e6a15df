// The one-dimensional transforms of Winograd's F(2, 3): two outputs of a filter of three taps by four multiplications.
// Appended to winograd_stages.wgsl.
//
//   y = A' (S . (G g) . (B' d))    d: 4 inputs, g: 3 taps, y: 2 outputs, ' the transposed, . by elements
//
// Points: 0, 1, -1 and infinity. S, which textbooks put into G, is applied last, so that nothing here multiplies.
// Source: Lavin & Gray 2015, "Fast Algorithms for Convolutional Neural Networks"; Winograd 1980.

const SCALE = array<f32, 4>(1.0, 0.5, 0.5, 1.0);

// B' d
fn input_points(d: array<f32, 4>) -> array<f32, 4> {
  return array<f32, 4>(d[0] - d[2], d[1] + d[2], d[2] - d[1], d[3] - d[1]);
}

// G g
fn filter_points(g: array<f32, 3>) -> array<f32, 4> {
  let a = g[0] + g[2];
  return array<f32, 4>(g[0], a + g[1], a - g[1], g[2]);
}

// A' m
fn outputs(m: array<f32, 4>) -> array<f32, 2> {
  return array<f32, 2>(m[0] + m[1] + m[2], m[1] - m[2] + m[3]);
}

// A y, for the gradient of the filter: transforms the gradient of the outputs,
fn output_points(y: array<f32, 2>) -> array<f32, 4> {
  return array<f32, 4>(y[0], y[0] + y[1], y[0] - y[1], y[1]);
}

// and G' m transforms the result back.
fn filter_gradient(m: array<f32, 4>) -> array<f32, 3> {
  let a = m[1] + m[2];
  return array<f32, 3>(m[0] + a, m[1] - m[2], a + m[3]);
}
