/** What a user may not expect of a run: a line each, printed once before it trains. */
export interface Going {
  pairs: number;
  /** The name for pairs. */
  what: string;
  batch: number;
  serial?: boolean | undefined;
  /** The learning rate of the next step; and for a continued run, the rate that its previous settings would give. */
  rate: number;
  rateBefore?: number | undefined;
  /** The flag that keeps the rate up. */
  longer: '--n_epochs' | '--steps';
}

export function notesOn({ pairs, what, batch, serial = false, rate, rateBefore, longer }: Going): string[] {
  const notes: string[] = [];
  const left = pairs % batch;
  if (pairs < batch) {
    notes.push(`there are ${pairs} ${what}, fewer than --batch_size ${batch}: each batch repeats some of them`);
  } else if (left > 0 && !serial) {
    notes.push(
      `--batch_size ${batch} leaves ${left} of ${pairs} ${what} out of each epoch, different ones each time; all are trained on`,
    );
  }
  if (rateBefore !== undefined && rate > 1.000001 * rateBefore) {
    const [was, is] = [rateBefore, rate].map((value) => Number(value.toPrecision(3)));
    notes.push(`the learning rate had fallen to ${was}, and continues at ${is}: the larger ${longer} keeps it up`);
  }
  return notes;
}
