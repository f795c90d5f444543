//! The lists of system calls, to be read by people.
//!
//! The interpreter with a broad part of the standard library uses about a sixth of what is allowed; the rest is harmless and
//! may be used by other versions.

/// The numbers of calls; those after `x86_64:` exist on that processor only.
macro_rules! calls {
    ($($call:ident)*; x86_64: $($old:ident)*) => {
        &[$(libc::$call,)* $(#[cfg(target_arch = "x86_64")] libc::$old,)*]
    };
}
pub(in crate::driver::execute) use calls;

/// Answered with "operation not permitted", whatever the arguments: other processes, the machine, other users' rights; what
/// Landlock knows nothing of (rights, owners and times of files); memory and disk space that no limit counts; queues that
/// processes share; serving others. Pairs of sockets are among them because a datagram socket, however it was made, sends to
/// any Unix socket that has a path.
pub(in crate::driver::execute) const FORBIDDEN: &[i64] = calls! {
    SYS_ptrace SYS_process_vm_readv SYS_process_vm_writev SYS_kcmp SYS_process_madvise SYS_process_mrelease
    SYS_pidfd_open SYS_pidfd_getfd SYS_pidfd_send_signal SYS_rt_sigqueueinfo SYS_rt_tgsigqueueinfo SYS_tkill
    SYS_setpriority SYS_ioprio_set SYS_sched_setscheduler SYS_sched_setparam SYS_sched_setattr SYS_migrate_pages
    SYS_move_pages SYS_setsid SYS_setpgid SYS_unshare SYS_setns SYS_mount SYS_umount2 SYS_pivot_root SYS_chroot
    SYS_move_mount SYS_open_tree SYS_fsopen SYS_fsconfig SYS_fsmount SYS_fspick SYS_mount_setattr SYS_bpf
    SYS_perf_event_open SYS_userfaultfd SYS_io_uring_setup SYS_io_uring_enter SYS_io_uring_register SYS_add_key
    SYS_request_key SYS_keyctl SYS_kexec_load SYS_kexec_file_load SYS_init_module SYS_finit_module SYS_delete_module
    SYS_reboot SYS_swapon SYS_swapoff SYS_acct SYS_quotactl SYS_quotactl_fd SYS_syslog SYS_settimeofday
    SYS_clock_settime SYS_clock_adjtime SYS_adjtimex SYS_sethostname SYS_setdomainname SYS_personality SYS_vhangup
    SYS_name_to_handle_at SYS_open_by_handle_at SYS_fanotify_init SYS_fanotify_mark SYS_lookup_dcookie
    SYS_memfd_create SYS_memfd_secret SYS_mbind SYS_set_mempolicy SYS_nfsservctl SYS_setuid SYS_setgid SYS_setreuid
    SYS_setregid SYS_setresuid SYS_setresgid SYS_setgroups SYS_setfsuid SYS_setfsgid SYS_capset SYS_fchmod
    SYS_fchmodat SYS_fchown SYS_fchownat SYS_utimensat SYS_truncate SYS_setxattr SYS_lsetxattr SYS_fsetxattr
    SYS_removexattr SYS_lremovexattr SYS_fremovexattr SYS_mknodat SYS_inotify_init1 SYS_inotify_add_watch SYS_shmget
    SYS_shmat SYS_shmctl SYS_shmdt SYS_semget SYS_semop SYS_semctl SYS_semtimedop SYS_msgget SYS_msgsnd SYS_msgrcv
    SYS_msgctl SYS_mq_open SYS_mq_unlink SYS_mq_timedsend SYS_mq_timedreceive SYS_mq_notify SYS_mq_getsetattr SYS_bind
    SYS_listen SYS_accept SYS_accept4 SYS_socketpair SYS_fallocate SYS_tee;
    // Older calls, which only this processor still has.
    x86_64:
    SYS_fork SYS_vfork SYS_iopl SYS_ioperm SYS_modify_ldt SYS_uselib SYS_ustat SYS_sysfs SYS__sysctl SYS_chmod
    SYS_fchmodat2 SYS_chown SYS_lchown SYS_utime SYS_utimes SYS_futimesat SYS_mknod SYS_inotify_init
};

/// Allowed with all arguments.
pub(in crate::driver::execute) const ALLOWED: &[i64] = calls! {
    SYS_execve SYS_brk SYS_mmap SYS_munmap SYS_mprotect SYS_mremap SYS_madvise SYS_mincore SYS_mlock SYS_munlock
    SYS_set_tid_address SYS_set_robust_list SYS_get_robust_list SYS_rseq SYS_membarrier SYS_rt_sigaction
    SYS_rt_sigprocmask SYS_rt_sigreturn SYS_rt_sigpending SYS_rt_sigtimedwait SYS_rt_sigsuspend SYS_sigaltstack
    SYS_futex SYS_gettid SYS_getpid SYS_getppid SYS_getpgid SYS_getsid SYS_getuid SYS_geteuid SYS_getgid SYS_getegid
    SYS_getgroups SYS_getresuid SYS_getresgid SYS_exit SYS_exit_group SYS_restart_syscall SYS_sched_yield
    SYS_sched_getaffinity SYS_nanosleep SYS_clock_nanosleep SYS_clock_gettime SYS_clock_getres SYS_gettimeofday
    SYS_times SYS_getrusage SYS_getrlimit SYS_setrlimit SYS_setitimer SYS_getitimer SYS_timer_create SYS_timer_settime
    SYS_timer_delete SYS_timer_gettime SYS_timerfd_create SYS_timerfd_settime SYS_sysinfo SYS_uname SYS_getrandom
    SYS_getcpu SYS_wait4 SYS_waitid SYS_seccomp SYS_umask SYS_read SYS_write SYS_readv SYS_writev SYS_pread64
    SYS_pwrite64 SYS_preadv SYS_pwritev SYS_preadv2 SYS_pwritev2 SYS_openat SYS_openat2 SYS_close SYS_close_range
    SYS_lseek SYS_dup SYS_dup3 SYS_flock SYS_fsync SYS_fdatasync SYS_sync_file_range SYS_ftruncate
    SYS_fadvise64 SYS_copy_file_range SYS_sendfile SYS_splice SYS_pipe2 SYS_fstat SYS_newfstatat
    SYS_statx SYS_statfs SYS_fstatfs SYS_faccessat SYS_faccessat2 SYS_readlinkat SYS_getcwd SYS_chdir SYS_fchdir
    SYS_getdents64 SYS_mkdirat SYS_unlinkat SYS_renameat SYS_renameat2 SYS_linkat SYS_symlinkat SYS_eventfd2
    SYS_epoll_create1 SYS_epoll_ctl SYS_epoll_pwait SYS_epoll_pwait2 SYS_ppoll SYS_pselect6 SYS_getxattr SYS_lgetxattr
    SYS_fgetxattr SYS_connect SYS_getsockname SYS_getpeername SYS_getsockopt SYS_setsockopt
    SYS_shutdown SYS_recvfrom SYS_recvmsg SYS_recvmmsg;
    // Older calls, which only this processor still has.
    x86_64:
    SYS_arch_prctl SYS_getpgrp SYS_time SYS_pause SYS_open SYS_dup2 SYS_pipe SYS_stat SYS_lstat SYS_access
    SYS_readlink SYS_getdents SYS_mkdir SYS_rmdir SYS_unlink SYS_rename SYS_link SYS_symlink SYS_epoll_create
    SYS_epoll_wait SYS_poll SYS_select
};

/// Operations of `prctl` that would loosen the server's hold on the process.
pub(in crate::driver::execute) const FORBIDDEN_PRCTLS: &[u64] = &[
    1,           // PR_SET_PDEATHSIG
    4,           // PR_SET_DUMPABLE
    35,          // PR_SET_MM
    36,          // PR_SET_CHILD_SUBREAPER
    0x5961_6d61, // PR_SET_PTRACER
];

/// The operations of `fcntl` that are allowed. The others choose who gets which signal when something happens to a file, take
/// leases, watch folders, or take memory that the user's processes share.
pub(super) const ALLOWED_FCNTLS: &[u64] = &[
    0,    // F_DUPFD
    1,    // F_GETFD
    2,    // F_SETFD
    3,    // F_GETFL
    4,    // F_SETFL
    5,    // F_GETLK
    6,    // F_SETLK
    7,    // F_SETLKW
    36,   // F_OFD_GETLK
    37,   // F_OFD_SETLK
    38,   // F_OFD_SETLKW
    1027, // F_DUPFD_QUERY
    1030, // F_DUPFD_CLOEXEC
    1032, // F_GETPIPE_SZ
    1034, // F_GET_SEALS
];

/// The operations of `ioctl` that are allowed: those that libraries use. The others put words into terminals, send signals, take
/// disk space, and what else devices and file systems have come up with.
pub(super) const ALLOWED_IOCTLS: &[u64] = &[
    0x5401, // TCGETS, by which a program finds out whether a file is a terminal
    0x5413, // TIOCGWINSZ
    0x541b, // FIONREAD
    0x5421, // FIONBIO
    0x5450, // FIONCLEX
    0x5451, // FIOCLEX
];
