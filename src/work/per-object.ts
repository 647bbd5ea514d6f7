/** A constructor that gives the object it is asked about, so that a class derived from it puts its field onto that one. */
class Given {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: that is what it is for.
    return object;
  }
}

/**
 * The same function, which knows again what it made of an object. What it returns is shared and must not be changed.
 *
 * It is kept on the object itself, in a field that nobody else sees and no copy has. A WeakMap takes ten times as long
 * for an object it does not know, and keeps dead ones longer; almost all that is remembered for the length of a call is.
 * So it stays as long as the object does, also when this function is gone: it is made once, not again and again for
 * objects that live long.
 */
export function perObject<Key extends object, Value>(make: (key: Key) => Value): (key: Key) => Value {
  class Known extends Given {
    readonly #value: Value;

    constructor(key: Key, value: Value) {
      super(key);
      this.#value = value;
    }

    static of(key: object): Value | undefined {
      return #value in key ? key.#value : undefined;
    }
  }

  return (key) => {
    let value = Known.of(key);
    if (value === undefined) {
      value = make(key);
      // What came to nothing is asked again; a field can be put on once.
      if (value !== undefined) new Known(key, value);
    }
    return value;
  };
}
