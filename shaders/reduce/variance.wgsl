// Variance from the deviations d from a mean that float32 has rounded, and its gradient. `squares` is the sum of d * d,
// and `rest` the mean of d, which would be 0 with the exact mean. Without that correction a mean that is large against
// the deviations costs all digits. `g` in the gradient is twice the gradient of the sum. These are functions of
// element-wise operations: see src/engine/tape/elementwise_text.ts.
// Source: Chan, Golub & LeVeque 1983, "Algorithms for Computing the Sample Variance: Analysis and Recommendations".

fn f(squares: f32, rest: f32, count: f32, factor: f32) -> f32 {
  return (squares - count * rest * rest) * factor;
}

fn back(x: f32, mean: f32, rest: f32, g: f32) -> f32 {
  return ((x - mean) - rest) * g;
}
