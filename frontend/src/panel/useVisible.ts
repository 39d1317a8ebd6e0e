import { RefObject, useEffect, useRef, useState } from 'react';

/**
 * Whether an element has been visible. All sections of the panel exist from the start, and most are never opened:
 * requests wait for this.
 */
export function useVisible<T extends HTMLElement>(): [RefObject<T>, boolean] {
  const ref = useRef<T>(null);
  const [visible, setVisible] = useState(false);
  useEffect(() => {
    const node = ref.current;
    if (!node || visible) {
      return;
    }
    const observer = new IntersectionObserver(entries => {
      if (entries.some(entry => entry.isIntersecting)) {
        setVisible(true);
      }
    });
    observer.observe(node);
    return () => observer.disconnect();
  }, [visible]);
  return [ref, visible];
}
