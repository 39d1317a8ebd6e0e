/** `compute`, which is not repeated for the arguments of the last call. */
export function remembered<A extends unknown[], R>(compute: (...args: A) => R): (...args: A) => R {
  let last: { args: A; result: R } | null = null;
  return (...args) => {
    if (!last || args.some((value, at) => value !== last?.args[at])) {
      last = { args, result: compute(...args) };
    }
    return last.result;
  };
}
