//! Takes all of root's special rights away, for good.

use rustix::io::{self, Errno};
use rustix::thread::{CapabilitySet, CapabilitySets};

/// The highest number that a capability can have.
const HIGHEST: u32 = 63;

/// Leaves no capability in any set. With no new privileges, the interpreter gets none back, also where the server is root.
pub(in crate::driver::execute) fn drop_all() -> io::Result<()> {
    // Whoever has none may not lower the bounds, and need not.
    for number in 0..=HIGHEST {
        let one = CapabilitySet::from_bits_retain(1 << number);
        match rustix::thread::remove_capability_from_bounding_set(one) {
            Ok(()) => {}
            // Not root, or beyond what the kernel knows.
            Err(Errno::PERM | Errno::INVAL) => break,
            Err(error) => return Err(error),
        }
    }
    match rustix::thread::clear_ambient_capability_set() {
        // A kernel without this set.
        Ok(()) | Err(Errno::INVAL) => {}
        Err(error) => return Err(error),
    }
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
}
