// The one-dimensional transforms of Winograd's F(4, 3): four outputs of a filter of three taps by six multiplications.
// Appended to conv_winograd.wgsl and conv_winograd_weight.wgsl.
//
//   y = A' (S . (G g) . (B' d))    d: 6 inputs, g: 3 taps, y: 4 outputs, ' the transposed, . by elements
//
// Points: 0, 1, -1, 3/2, -3/2 and infinity. Textbooks use 2 instead of 3/2, at the same cost. With 3/2 the largest
// error is about 1.5 times smaller, and the constants, such as 9/4 = (3/2)^2, are exact in float32, too.
// S, which textbooks put into G, is applied last, so that G and A need few multiplications.
// Source: Lavin & Gray 2015, "Fast Algorithms for Convolutional Neural Networks"; Winograd 1980; for the choice of
// points Barabasz et al. 2018, "Error Analysis and Improving the Accuracy of Winograd Convolution for DNNs".

const SCALE = array<f32, 6>(4.0 / 9.0, -0.4, -0.4, 8.0 / 45.0, 8.0 / 45.0, 1.0);

// B' d
fn input_points(d: array<f32, 6>) -> array<f32, 6> {
  let a = d[4] - 2.25 * d[2];
  let b = d[3] - 2.25 * d[1];
  let e = d[4] - d[2];
  let f = 1.5 * (d[3] - d[1]);
  return array<f32, 6>(2.25 * (d[0] - d[2]) + e, a + b, a - b, e + f, e - f, d[5] - d[3] - 2.25 * (d[3] - d[1]));
}

// G g
fn filter_points(g: array<f32, 3>) -> array<f32, 6> {
  let a = g[0] + g[2];
  let b = g[0] + 2.25 * g[2];
  let c = 1.5 * g[1];
  return array<f32, 6>(g[0], a + g[1], a - g[1], b + c, b - c, g[2]);
}

// A' m
fn outputs(m: array<f32, 6>) -> array<f32, 4> {
  let a = m[1] + m[2];
  let b = m[1] - m[2];
  let c = m[3] + m[4];
  let d = 1.5 * (m[3] - m[4]);
  return array<f32, 4>(m[0] + a + c, b + d, a + 2.25 * c, b + 2.25 * d + m[5]);
}

// A y, for the gradient of the filter: transforms the gradient of the outputs,
fn output_points(y: array<f32, 4>) -> array<f32, 6> {
  let a = y[0] + y[2];
  let b = y[1] + y[3];
  let c = y[0] + 2.25 * y[2];
  let d = 1.5 * (y[1] + 2.25 * y[3]);
  return array<f32, 6>(y[0], a + b, a - b, c + d, c - d, y[3]);
}

// and G' m transforms the result back.
fn filter_gradient(m: array<f32, 6>) -> array<f32, 3> {
  let a = m[1] + m[2];
  let c = m[3] + m[4];
  return array<f32, 3>(m[0] + a + c, m[1] - m[2] + 1.5 * (m[3] - m[4]), a + 2.25 * c + m[5]);
}
