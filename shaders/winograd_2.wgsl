// The one-dimensional transforms of Winograd's F(2, 3): two outputs of a filter of three taps by four multiplications.
// Appended to conv_winograd.wgsl; winograd_4.wgsl has the same functions for F(4, 3), and says what they are. Points:
// 0, 1, -1 and infinity. Source: Lavin & Gray 2015, "Fast Algorithms for Convolutional Neural Networks".

const SCALE = array<f32, 4>(1.0, 0.5, 0.5, 1.0);

fn input_points(d: array<f32, 4>) -> array<f32, 4> {
  return array<f32, 4>(d[0] - d[2], d[1] + d[2], d[2] - d[1], d[3] - d[1]);
}

fn filter_points(g: array<f32, 3>) -> array<f32, 4> {
  let a = g[0] + g[2];
  return array<f32, 4>(g[0], a + g[1], a - g[1], g[2]);
}

fn outputs(m: array<f32, 4>) -> array<f32, 2> {
  return array<f32, 2>(m[0] + m[1] + m[2], m[1] - m[2] + m[3]);
}
