import { useCallback, useLayoutEffect, useRef } from 'react';

/** A function that stays the same and calls the last `call`, for effects that must not run anew with each drawing. */
export function useLatest<A extends unknown[], R>(call: (...args: A) => R): (...args: A) => R {
  const last = useRef(call);
  useLayoutEffect(() => {
    last.current = call;
  });
  return useCallback((...args: A) => last.current(...args), []);
}
