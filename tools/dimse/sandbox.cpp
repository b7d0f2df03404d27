#include "tools/dimse/sandbox.hpp"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
/// The leak checker at exit starts a process, which the filter refuses.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
#endif

namespace penstock::dimse {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t our_architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t our_architecture = AUDIT_ARCH_AARCH64;
#else
#error "name this architecture's AUDIT_ARCH for the system call filter"
#endif

constexpr std::uint32_t refuse_call = SECCOMP_RET_ERRNO | EPERM;

/// Calls that no job needs once it runs.
constexpr std::array denied_calls {
#if defined(__x86_64__)
  // The old spellings, which 64-bit ARM never had; plain open is not used by glibc, so it need not be looked into.
  SYS_open, SYS_creat, SYS_fork, SYS_vfork, SYS_unlink, SYS_rename, SYS_link, SYS_symlink, SYS_mkdir, SYS_rmdir,
      SYS_chmod, SYS_chown, SYS_lchown, SYS_mknod,
#endif
      SYS_execve, SYS_execveat, SYS_clone, SYS_clone3, SYS_openat2, SYS_unlinkat, SYS_renameat2, SYS_renameat,
      SYS_linkat, SYS_symlinkat, SYS_mkdirat, SYS_mknodat, SYS_truncate, SYS_fchmodat, SYS_fchmod, SYS_fchownat,
      SYS_fchown, SYS_setxattr, SYS_fsetxattr, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_mount,
      SYS_umount2, SYS_chroot, SYS_pivot_root, SYS_unshare, SYS_setns, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd,
      SYS_keyctl, SYS_add_key, SYS_request_key, SYS_init_module, SYS_finit_module, SYS_kexec_load, SYS_reboot,
      SYS_io_uring_setup, SYS_memfd_create, SYS_pidfd_getfd, SYS_kill, SYS_tkill, SYS_listen, SYS_accept, SYS_accept4,
};

/// Never above what the parent has set.
bool set_limit(__rlimit_resource resource, std::uint64_t value) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return false;
  limit.rlim_max = std::min<rlim_t>(limit.rlim_max, value);
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(resource, &limit) == 0;
}

void deny(std::vector<sock_filter>& filter, long call) {
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 1));
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, refuse_call));
}

/// openat is allowed for reading: iconv loads its converters with it.
void deny_opening_for_writing(std::vector<sock_filter>& filter) {
  constexpr std::uint32_t writing = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND;
  constexpr std::uint32_t flags_at =
      offsetof(seccomp_data, args[2]);  // the low half: both architectures are little-endian
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 4));
  filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, flags_at));
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, writing, 0, 1));
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, refuse_call));
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
}

std::vector<sock_filter> call_filter(bool may_connect) {
  std::vector<sock_filter> filter {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, our_architecture, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
#if defined(__x86_64__)
        // The x32 numbering of the same calls.
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
#endif
  };
  for (const auto call : denied_calls) deny(filter, call);
  if (!may_connect)
    for (const auto call : {SYS_socket, SYS_connect, SYS_bind}) deny(filter, call);
  deny_opening_for_writing(filter);
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  return filter;
}

bool install(std::vector<sock_filter> filter) {
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace

void drop_inheritance(unsigned keep) {
  ::syscall(SYS_close_range, keep, ~0U, 0U);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

bool enter_sandbox(const sandbox_limits& limits) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  ::prctl(PR_SET_DUMPABLE, 0);
#if !defined(__SANITIZE_ADDRESS__)
  // AddressSanitizer reserves terabytes of address space.
  if (!set_limit(RLIMIT_AS, limits.memory_bytes)) return false;
#endif
  if (!set_limit(RLIMIT_CPU, limits.cpu_s) || !set_limit(RLIMIT_FSIZE, limits.file_bytes) ||
      !set_limit(RLIMIT_NOFILE, limits.descriptors) || !set_limit(RLIMIT_CORE, 0))
    return false;
  return install(call_filter(limits.may_connect));
}

}  // namespace penstock::dimse
