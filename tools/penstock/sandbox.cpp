#include "tools/penstock/sandbox.hpp"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace penstock::commands {
namespace {

constexpr rlim_t most_memory_bytes = 4ULL * 1024 * 1024 * 1024;
constexpr rlim_t most_cpu_seconds = 30;

#if defined(__x86_64__)
constexpr std::uint32_t this_architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t this_architecture = AUDIT_ARCH_AARCH64;
#else
#error "the sandbox knows the system calls of x86-64 and AArch64"
#endif

constexpr long allowed_calls[] = {
    SYS_read,         SYS_write,          SYS_close,         SYS_mmap,
    SYS_munmap,       SYS_mremap,         SYS_mprotect,      SYS_madvise,
    SYS_brk,          SYS_futex,          SYS_exit,          SYS_exit_group,
    SYS_rt_sigreturn, SYS_rt_sigprocmask, SYS_clock_gettime, SYS_clock_nanosleep,
    SYS_gettimeofday, SYS_getrandom,      SYS_sched_yield,   SYS_ppoll,
    SYS_getpid,       SYS_gettid,         SYS_lseek,
#if defined(SYS_poll)
    SYS_poll,
#endif
};

sock_filter load(std::size_t offset) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)); }
sock_filter give(std::uint32_t verdict) { return BPF_STMT(BPF_RET | BPF_K, verdict); }
sock_filter unless_equal_skip_one(std::uint32_t value) { return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1); }

bool filter_system_calls() {
  std::vector<sock_filter> program{load(offsetof(seccomp_data, arch)),
                                   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, this_architecture, 1, 0),
                                   give(SECCOMP_RET_KILL_PROCESS), load(offsetof(seccomp_data, nr))};
  for (const auto call : allowed_calls) {
    program.push_back(unless_equal_skip_one(static_cast<std::uint32_t>(call)));
    program.push_back(give(SECCOMP_RET_ALLOW));
  }
  program.push_back(give(SECCOMP_RET_ERRNO | EPERM));
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

bool limit(decltype(RLIMIT_CPU) what, rlim_t to) {
  const rlimit both{to, to};
  return ::setrlimit(what, &both) == 0;
}

/// Address space counts what AddressSanitizer reserves, which is terabytes.
bool limit_memory() {
#if defined(__SANITIZE_ADDRESS__)
  return true;
#else
  return limit(RLIMIT_AS, most_memory_bytes);
#endif
}

bool close_all_but(int first, int second) {
  const auto low = static_cast<unsigned>(std::min(first, second));
  const auto high = static_cast<unsigned>(std::max(first, second));
  const auto close_from_to = [](unsigned from, unsigned to) {
    return from > to || ::syscall(SYS_close_range, from, to, 0) == 0;
  };
  return (low == 0 || close_from_to(0, low - 1)) && close_from_to(low + 1, high - 1) && close_from_to(high + 1, ~0U);
}

}  // namespace

bool enter_sandbox(int read_from, int write_to, pid_t parent) {
  return ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && ::getppid() == parent &&
         close_all_but(read_from, write_to) && limit(RLIMIT_CORE, 0) && limit(RLIMIT_FSIZE, 0) &&
         limit(RLIMIT_CPU, most_cpu_seconds) && limit_memory() && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         filter_system_calls();
}

}  // namespace penstock::commands
