/** One-hot vectors, (labels, classes): 1 at each label's index. */
export function oneHot(labels: readonly number[], classes: number): Float32Array {
  const vectors = new Float32Array(labels.length * classes);
  labels.forEach((label, i) => {
    if (!(Number.isInteger(label) && label >= 0 && label < classes)) throw new Error(`class ${label} of ${classes}`);
    vectors[i * classes + label] = 1;
  });
  return vectors;
}
