;; The code that `interpreter.py` adds to MicroPython's WASM. It puts names of functions there, and one address, in
;; place of the words in braces.

(tag $longjmp)
(func {throw_longjmp} (throw $longjmp))

;; The table has an entry for each hash of an interned string: 0 if no string has this hash, the number of the string if
;; one has it, and $several if more have it or the number needs more than 16 bits. No hash is 0: MicroPython uses 1 instead.
;; Interned strings are in pools. A pool has a head of 24 bytes, followed by the address of each string:
;;   offset 0: address of the previous pool, or 0
;;   offset 4: number of strings in all previous pools; the highest bit says whether this pool is sorted
;;   offset 12: number of strings in this pool
;;   offset 16: address of their hashes, 2 bytes each
;;   offset 20: address of their lengths, 1 byte each
;; MicroPython only adds strings, always to the last pool, which may be a new one.

(global $table (mut i32) (i32.const 0))
(global $pool (mut i32) (i32.const 0)) ;; the last pool whose strings are in the table
(global $count (mut i32) (i32.const 0)) ;; how many strings of that pool are in the table
(global $several i32 (i32.const 0xffff))

(func $before (param $pool i32) (result i32)
  (i32.and (i32.load offset=4 (local.get $pool)) (i32.const 0x7fffffff)))

(func $slot (param $hash i32) (result i32)
  (i32.add (global.get $table) (i32.shl (local.get $hash) (i32.const 1))))

(func $learn (param $last i32) (local $pool i32) (local $at i32) (local $slot i32) (local $number i32)
  (if (i32.eqz (global.get $table)) (then
    (global.set $table (call {malloc} (i32.const 0x20000)))
    (if (i32.eqz (global.get $table)) (then (unreachable)))
    (memory.fill (global.get $table) (i32.const 0) (i32.const 0x20000))))
  (local.set $pool (local.get $last))
  (loop $pools
    (local.set $at (select (global.get $count) (i32.const 0) (i32.eq (local.get $pool) (global.get $pool))))
    (block $end (loop $strings
      (br_if $end (i32.ge_u (local.get $at) (i32.load offset=12 (local.get $pool))))
      (local.set $slot (call $slot (i32.load16_u
        (i32.add (i32.load offset=16 (local.get $pool)) (i32.shl (local.get $at) (i32.const 1))))))
      (local.set $number (i32.add (call $before (local.get $pool)) (local.get $at)))
      (i32.store16 (local.get $slot)
        (select (global.get $several) (local.get $number) (i32.or
          (i32.load16_u (local.get $slot))
          (i32.ge_u (local.get $number) (global.get $several)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $strings)))
    (if (i32.ne (local.get $pool) (global.get $pool)) (then
      (br_if $pools (local.tee $pool (i32.load (local.get $pool)))))))
  (global.set $pool (local.get $last))
  (global.set $count (i32.load offset=12 (local.get $last))))

;; Replaces `qstr_find_strn`, which compares the hash of each string, one after the other; that function is now named
;; `$one_by_one`.
(func {find_string} (param $text i32) (param $size i32) (result i32)
  (local $last i32) (local $at i32) (local $hash i32) (local $number i32)
  (local.set $last (i32.load (i32.const {last_pool})))
  (if (i32.eqz (i32.and (i32.ne (local.get $size) (i32.const 0)) (i32.ne (local.get $last) (i32.const 0)))) (then
    (return (call $one_by_one (local.get $text) (local.get $size)))))
  (if (i32.or
        (i32.ne (local.get $last) (global.get $pool))
        (i32.ne (i32.load offset=12 (local.get $last)) (global.get $count))) (then
    (call $learn (local.get $last))))
  (local.set $hash (i32.const 5381))
  (loop $bytes
    (local.set $hash (i32.xor
      (i32.mul (local.get $hash) (i32.const 33))
      (i32.load8_u (i32.add (local.get $text) (local.get $at)))))
    (br_if $bytes (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $size))))
  (local.set $hash (i32.and (local.get $hash) (i32.const 0xffff)))
  (local.set $number (i32.load16_u (call $slot (select (local.get $hash) (i32.const 1) (local.get $hash)))))
  (if (i32.eq (local.get $number) (global.get $several)) (then
    (return (call $one_by_one (local.get $text) (local.get $size)))))
  (if (i32.eqz (local.get $number)) (then (return (i32.const 0))))
  (loop $pools
    (local.set $at (i32.sub (local.get $number) (call $before (local.get $last))))
    (if (i32.lt_s (local.get $at) (i32.const 0)) (then
      (local.set $last (i32.load (local.get $last)))
      (br $pools))))
  (if (i32.ne (local.get $size) (i32.load8_u (i32.add (i32.load offset=20 (local.get $last)) (local.get $at)))) (then
    (return (i32.const 0))))
  (select
    (i32.const 0)
    (local.get $number)
    (call {compare}
      (i32.load offset=24 (i32.add (local.get $last) (i32.shl (local.get $at) (i32.const 2))))
      (local.get $text)
      (local.get $size))))
