/** Groups numbers into ranges of consecutive numbers: `1, 2, 3, 7` becomes `[1, 3], [7, 7]`. */
export function rangesOf(numbers: number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const number of numbers.toSorted((one, other) => one - other)) {
    const last = runs.at(-1);
    if (last && last[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs;
}
