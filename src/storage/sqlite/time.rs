//! SQLite's `now` on Windows: the clock that the thread follows, like everything else.
//!
//! SQLite asks the system there, and lets the function be replaced. On Unix it asks `gettimeofday`, which is ours.

use rusqlite::ffi;
use windows_sys::Win32::Foundation::FILETIME;

use crate::base::clock;

/// Hundreds of nanoseconds from 1601, where Windows begins to count, to 1970.
const BEFORE_1970: i64 = 116_444_736_000_000_000;

/// Has SQLite ask our clock from now on; to be called when it has been initialized.
pub(super) fn follow_clock() {
    let show: unsafe extern "system" fn(*mut FILETIME) = show;
    // SAFETY: the default file system lives as long as the process, and calls the function by the type that it has here.
    unsafe {
        let files = ffi::sqlite3_vfs_find(std::ptr::null());
        if let Some(files) = files.as_mut()
            && let Some(set) = files.xSetSystemCall
        {
            let show =
                std::mem::transmute::<unsafe extern "system" fn(*mut FILETIME), unsafe extern "C" fn()>(show);
            set(files, c"GetSystemTimeAsFileTime".as_ptr(), Some(show));
        }
    }
}

/// Stands in for the system's `GetSystemTimeAsFileTime`.
///
/// # Safety
/// `time` may be written.
unsafe extern "system" fn show(time: *mut FILETIME) {
    let since_1601 = clock::shown_nanos().div_euclid(100).saturating_add(BEFORE_1970).max(0).cast_unsigned();
    let shown = FILETIME { dwLowDateTime: since_1601 as u32, dwHighDateTime: (since_1601 >> 32) as u32 };
    // SAFETY: the caller says so.
    unsafe { time.write(shown) };
}
