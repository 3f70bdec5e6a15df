/** What a person may not expect of how a run goes: a line each, said once, before it trains. */
export interface Going {
  pairs: number;
  /** What pairs are called. */
  what: string;
  batch: number;
  serial?: boolean | undefined;
  /** The learning rate of the next step; and what it would be as the run was before, if it is continued. */
  rate: number;
  rateBefore?: number | undefined;
  /** The flag that holds the rate up. */
  longer: '--n_epochs' | '--steps';
}

export function notesOn({ pairs, what, batch, serial = false, rate, rateBefore, longer }: Going): string[] {
  const notes: string[] = [];
  const left = pairs % batch;
  if (pairs < batch) {
    notes.push(
      `there are ${pairs} ${what}, fewer than --batch_size ${batch}: each batch has some of them more than once`,
    );
  } else if (left > 0 && !serial) {
    notes.push(
      `--batch_size ${batch} leaves ${left} of ${pairs} ${what} out of each epoch, others in every one; they are all trained on`,
    );
  }
  if (rateBefore !== undefined && rate > 1.000001 * rateBefore) {
    const [was, is] = [rateBefore, rate].map((value) => Number(value.toPrecision(3)));
    notes.push(`the learning rate had fallen to ${was}, and goes on at ${is}: the larger ${longer} holds it up`);
  }
  return notes;
}
