/**
 * What work comes to, or what `late` gives (or throws) if it takes longer than so many milliseconds. The work goes on.
 * A timer of its own: hundreds may wait for one refresh, and cancellable promises would cost them more than the rest.
 */
export function orAfter<T, Late>(milliseconds: number, work: Promise<T>, late: () => Late): Promise<T | Late> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      try {
        resolve(late());
      } catch (error) {
        reject(error);
      }
    }, milliseconds);
    work.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
