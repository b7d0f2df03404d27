// Preloaded between an unchanged program and libc (LD_PRELOAD): writes down what the program has told the file system
// below CRASH_STATE and what it has synced, kills it at a named point, or fails a call. What is gone is kept as a hard
// link in CRASH_ATTIC, so that an unlink that was never synced can be undone. See README.md and disk.py.

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "tests/crash/shim_memory.hpp"

namespace {

using namespace penstock::crash;

constexpr int most_descriptors = 1 << 16;
std::array<std::atomic<std::uint8_t>, most_descriptors> class_of_descriptor{};
std::mutex log_lock;
std::atomic<shared_memory*> shared{nullptr};
const char* state = nullptr;
const char* attic = nullptr;

/// Everything below goes to the kernel by number, never back into this library.
template <class... Arguments>
long kernel(long number, Arguments... arguments) {
  return ::syscall(number, arguments...);
}

shared_memory* memory() { return shared.load(std::memory_order_acquire); }

__attribute__((constructor)) void attach() {
  const char* file = std::getenv("CRASH_MEMORY");
  state = std::getenv("CRASH_STATE");
  attic = std::getenv("CRASH_ATTIC");
  if (file == nullptr || state == nullptr || attic == nullptr) return;
  const auto fd = static_cast<int>(kernel(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC, 0));
  struct stat facts {};
  if (fd < 0 || ::fstat(fd, &facts) != 0) std::abort();
  void* at = ::mmap(nullptr, static_cast<std::size_t>(facts.st_size), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  kernel(SYS_close, fd);
  if (at == MAP_FAILED || static_cast<shared_memory*>(at)->magic != magic) std::abort();
  shared.store(static_cast<shared_memory*>(at), std::memory_order_release);
}

// ---------------------------------------------------------------------------------------------------------- what is it

bool has(std::string_view path, std::string_view part) { return path.find(part) != std::string_view::npos; }

file_class class_of_database(std::string_view path, bool core) {
  if (path.ends_with(".log")) return core ? file_class::core_wal : file_class::catalogue_wal;
  if (!core) return file_class::catalogue_other;
  if (has(path, "MANIFEST-")) return file_class::core_manifest;
  if (path.ends_with("CURRENT") || path.ends_with(".dbtmp")) return file_class::core_current;
  return path.ends_with(".sst") ? file_class::core_table : file_class::core_other;
}

/// Of an absolute path; `none` outside the state directory.
file_class class_of(std::string_view path) {
  const std::string_view root{state};
  if (!path.starts_with(root) || (path.size() > root.size() && path[root.size()] != '/')) return file_class::none;
  const auto rest = path.substr(root.size());
  if (rest.starts_with("/core")) return class_of_database(rest, true);
  if (has(rest, "/catalogue")) return class_of_database(rest, false);
  if (rest.starts_with("/journal.fence")) return file_class::fence;
  if (rest.ends_with(".part")) return file_class::incoming_pack;
  return rest.ends_with(".pack") ? file_class::settled_pack : file_class::other;
}

std::string absolute(int directory, const char* path) {
  if (path[0] == '/') return path;
  std::array<char, PATH_MAX> base{};
  const auto from =
      directory == AT_FDCWD ? std::string{"/proc/self/cwd"} : "/proc/self/fd/" + std::to_string(directory);
  const auto bytes = kernel(SYS_readlinkat, AT_FDCWD, from.c_str(), base.data(), base.size());
  return bytes <= 0 ? path : std::string{base.data(), static_cast<std::size_t>(bytes)} + "/" + path;
}

file_class class_of(int fd) {
  return fd < 0 || fd >= most_descriptors ? file_class::none
                                          : static_cast<file_class>(class_of_descriptor.at(fd).load());
}

void classify(int fd, file_class as) {
  if (fd >= 0 && fd < most_descriptors) class_of_descriptor.at(fd).store(static_cast<std::uint8_t>(as));
}

/// 0 when there is nothing.
ino_t inode_of(const std::string& path, bool* directory = nullptr) {
  struct stat facts {};
  if (kernel(SYS_newfstatat, AT_FDCWD, path.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) return 0;
  if (directory != nullptr) *directory = S_ISDIR(facts.st_mode);
  return facts.st_ino;
}

std::string parent_of(const std::string& path) { return path.substr(0, path.find_last_of('/')); }
std::string name_in(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

// -------------------------------------------------------------------------------------------------------------- the
// log

void note(record what, ino_t inode, std::uint64_t a, std::uint64_t b, std::string_view name = {},
          std::string_view data = {}) {
  auto& into = *memory();
  const auto bytes = (sizeof(record_header) + name.size() + data.size() + 7) / 8 * 8;
  const std::lock_guard lock{log_lock};
  const auto tail = into.tail.load();
  if (log_offset + tail + bytes > into.bytes) std::abort();
  auto* at = reinterpret_cast<char*>(&into) + log_offset + tail;
  const record_header header{
      static_cast<std::uint32_t>(bytes),      what, inode, a, b, static_cast<std::uint32_t>(name.size()),
      static_cast<std::uint32_t>(data.size())};
  std::memcpy(at, &header, sizeof header);
  std::memcpy(at + sizeof header, name.data(), name.size());
  std::memcpy(at + sizeof header + name.size(), data.data(), data.size());
  into.tail.store(tail + bytes);
}

/// What lies at [offset, offset + most) of a file.
std::string content(int fd, std::uint64_t offset, std::size_t most) {
  std::string bytes(most, '\0');
  const auto count = kernel(SYS_pread64, fd, bytes.data(), most, offset);
  bytes.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return bytes;
}

struct entry_place {
  explicit entry_place(std::string of) : path(std::move(of)), folder(inode_of(parent_of(path))), name(name_in(path)) {
    inode = inode_of(path, &directory);
  }
  std::string path;
  ino_t folder;
  std::string name;
  bool directory = false;
  ino_t inode = 0;
};

void keep(const entry_place& what) {
  if (what.inode == 0 || what.directory) return;
  const auto kept = std::string{attic} + "/" + std::to_string(what.inode);
  kernel(SYS_linkat, AT_FDCWD, what.path.c_str(), AT_FDCWD, kept.c_str(), 0);
}

void note_entry(record what, const entry_place& of) { note(what, of.folder, of.inode, of.directory ? 1 : 0, of.name); }

// ------------------------------------------------------------------------------------------------------------ the
// faults

[[noreturn]] void die() {
  memory()->faults.fetch_add(1);
  kernel(SYS_kill, ::getpid(), SIGKILL);
  for (;;) ::pause();
}

void die_if_told(call which, file_class of, std::uint32_t when) {
  auto& point = memory()->point;
  if (point.armed.load() != when || point.which != static_cast<std::uint32_t>(which) ||
      point.of != static_cast<std::uint32_t>(of))
    return;
  if (point.seen.fetch_add(1) + 1 == point.nth) die();
}

/// Errors are for the disk only.
int error_told(call which, file_class of) {
  auto& failure = memory()->failure;
  const auto error = failure.error.load();
  if (error == 0 || of == file_class::child || (failure.which & (1U << static_cast<unsigned>(which))) == 0) return 0;
  if (failure.seen.fetch_add(1) + 1 != failure.nth) return 0;
  memory()->failed.store(static_cast<std::uint64_t>(which) * 256 + static_cast<std::uint64_t>(of));
  memory()->faults.fetch_add(1);
  return static_cast<int>(error);
}

/// Carries out one call of interest: `act` returns what libc does, `after` writes down what it did.
template <class Act, class After>
auto carry_out(call which, file_class of, Act act, After after) -> decltype(act()) {
  memory()->made.at(static_cast<std::size_t>(which)).at(static_cast<std::size_t>(of)).fetch_add(1);
  die_if_told(which, of, 1);
  if (const int error = error_told(which, of); error != 0) {
    errno = error;
    return -1;
  }
  const auto done = act();
  if (done < 0) return done;
  const int before = errno;
  after(done);
  die_if_told(which, of, 2);
  errno = before;
  return done;
}

template <class Act>
auto carry_out(call which, file_class of, Act act) {
  return carry_out(which, of, act, [](auto) {});
}

bool is_regular(int fd, struct stat& facts) { return ::fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode); }

/// Writes down what a write over [offset, offset + bytes) will overwrite.
void note_overwritten(int fd, std::uint64_t offset, std::size_t bytes) {
  struct stat facts {};
  if (!is_regular(fd, facts) || offset >= static_cast<std::uint64_t>(facts.st_size)) return;
  note(record::overwritten, facts.st_ino, offset, 0, {}, content(fd, offset, bytes));
}

void note_shortened(int fd, std::uint64_t to) {
  struct stat facts {};
  if (!is_regular(fd, facts) || to >= static_cast<std::uint64_t>(facts.st_size)) return;
  note(record::shortened, facts.st_ino, to, 0, {}, content(fd, to, static_cast<std::size_t>(facts.st_size) - to));
}

std::uint64_t place_of_next_write(int fd) {
  struct stat facts {};
  if ((kernel(SYS_fcntl, fd, F_GETFL) & O_APPEND) != 0 && ::fstat(fd, &facts) == 0)
    return static_cast<std::uint64_t>(facts.st_size);
  const auto at = kernel(SYS_lseek, fd, 0, SEEK_CUR);
  return at < 0 ? 0 : static_cast<std::uint64_t>(at);
}

int sync_by(long number, int fd) {
  const auto of = memory() == nullptr ? file_class::none : class_of(fd);
  const auto real = [&] { return static_cast<int>(kernel(number, fd)); };
  if (of == file_class::none) return real();
  struct stat facts {};
  ::fstat(fd, &facts);
  const auto began = memory()->tail.load();
  return carry_out(call::sync, of, real,
                   [&](int) { note(record::synced, facts.st_ino, static_cast<std::uint64_t>(facts.st_size), began); });
}

int open_at(int directory, const char* path, int flags, mode_t mode) {
  const auto real = [&] { return static_cast<int>(kernel(SYS_openat, directory, path, flags, mode)); };
  if (memory() == nullptr) return real();
  const auto whole = absolute(directory, path);
  auto of = class_of(whole);
  if (of == file_class::none) {
    const int fd = real();
    classify(fd, of);
    return fd;
  }
  entry_place before{whole};
  if (before.directory) of = file_class::directory;
  if ((flags & O_TRUNC) != 0 && before.inode != 0) {
    const auto fd = static_cast<int>(kernel(SYS_openat, directory, path, O_RDONLY | O_CLOEXEC, 0));
    if (fd >= 0) note_shortened(fd, 0);
    kernel(SYS_close, fd);
  }
  return carry_out(call::open, of, real, [&](int fd) {
    classify(fd, of);
    if ((flags & O_TMPFILE) == O_TMPFILE || (flags & O_CREAT) == 0 || before.inode != 0) return;
    note_entry(record::made, entry_place{whole});
  });
}

int rename_at(int from, const char* old_path, int to, const char* new_path, unsigned flags) {
  const auto real = [&] { return static_cast<int>(kernel(SYS_renameat2, from, old_path, to, new_path, flags)); };
  const auto of = memory() == nullptr ? file_class::none : class_of(absolute(to, new_path));
  if (of == file_class::none) return real();
  const entry_place source{absolute(from, old_path)};
  const entry_place target{absolute(to, new_path)};
  keep(source);
  keep(target);
  const auto names = source.name + std::string(1, '\0') + target.name;
  return carry_out(call::rename, source.directory ? file_class::directory : of, real, [&](int) {
    if ((flags & RENAME_EXCHANGE) != 0)
      return note(record::exchanged, source.folder, source.inode, target.folder, names);
    if (target.inode != 0 && !target.directory) note_entry(record::gone, target);
    note(record::renamed, source.folder, source.inode, target.folder, names);
  });
}

int unlink_at(int directory, const char* path, int flags) {
  const auto real = [&] { return static_cast<int>(kernel(SYS_unlinkat, directory, path, flags)); };
  const auto of = memory() == nullptr ? file_class::none : class_of(absolute(directory, path));
  if (of == file_class::none) return real();
  const entry_place gone{absolute(directory, path)};
  keep(gone);
  const bool folder = (flags & AT_REMOVEDIR) != 0;
  return carry_out(folder ? call::rmdir : call::unlink, folder ? file_class::directory : of, real,
                   [&](int) { note_entry(record::gone, gone); });
}

int link_at(int from, const char* old_path, int to, const char* new_path, int flags) {
  const auto real = [&] { return static_cast<int>(kernel(SYS_linkat, from, old_path, to, new_path, flags)); };
  const auto of = memory() == nullptr ? file_class::none : class_of(absolute(to, new_path));
  if (of == file_class::none) return real();
  return carry_out(call::link, of, real, [&](int) { note_entry(record::made, entry_place{absolute(to, new_path)}); });
}

int make_directory(int directory, const char* path, mode_t mode) {
  const auto real = [&] { return static_cast<int>(kernel(SYS_mkdirat, directory, path, mode)); };
  if (memory() == nullptr || class_of(absolute(directory, path)) == file_class::none) return real();
  return carry_out(call::mkdir, file_class::directory, real,
                   [&](int) { note_entry(record::made, entry_place{absolute(directory, path)}); });
}

template <class Real>
ssize_t write_by(int fd, std::size_t bytes, std::int64_t offset, Real real) {
  const auto of = memory() == nullptr ? file_class::none : class_of(fd);
  if (of == file_class::none) return real();
  note_overwritten(fd, offset < 0 ? place_of_next_write(fd) : static_cast<std::uint64_t>(offset), bytes);
  return carry_out(call::write, of, real);
}

std::size_t bytes_of(const iovec* pieces, int count) {
  std::size_t bytes = 0;
  for (int i = 0; i < count; ++i) bytes += pieces[i].iov_len;
  return bytes;
}

int truncate_file(int fd, off_t to) {
  const auto of = memory() == nullptr ? file_class::none : class_of(fd);
  const auto real = [&] { return static_cast<int>(kernel(SYS_ftruncate, fd, to)); };
  if (of == file_class::none) return real();
  note_shortened(fd, static_cast<std::uint64_t>(to));
  return carry_out(call::truncate, of, real);
}

}  // namespace

// NOLINTBEGIN: the names and signatures are libc's.
extern "C" {

int openat(int directory, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_at(directory, path, flags, mode);
}
int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_at(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) __attribute__((alias("open")));
int openat64(int directory, const char* path, int flags, ...) __attribute__((alias("openat")));

int close(int fd) {
  classify(fd, file_class::none);
  return static_cast<int>(kernel(SYS_close, fd));
}

ssize_t write(int fd, const void* from, size_t bytes) {
  return write_by(fd, bytes, -1, [&] { return static_cast<ssize_t>(kernel(SYS_write, fd, from, bytes)); });
}
ssize_t pwrite(int fd, const void* from, size_t bytes, off_t offset) {
  return write_by(fd, bytes, offset,
                  [&] { return static_cast<ssize_t>(kernel(SYS_pwrite64, fd, from, bytes, offset)); });
}
ssize_t pwrite64(int fd, const void* from, size_t bytes, off_t offset) __attribute__((alias("pwrite")));
ssize_t writev(int fd, const iovec* pieces, int count) {
  return write_by(fd, bytes_of(pieces, count), -1,
                  [&] { return static_cast<ssize_t>(kernel(SYS_writev, fd, pieces, count)); });
}
ssize_t pwritev(int fd, const iovec* pieces, int count, off_t offset) {
  return write_by(fd, bytes_of(pieces, count), offset,
                  [&] { return static_cast<ssize_t>(kernel(SYS_pwritev, fd, pieces, count, offset, 0L)); });
}
ssize_t sendfile(int fd, int from, off_t* offset, size_t bytes) {
  return write_by(fd, bytes, -1, [&] { return static_cast<ssize_t>(kernel(SYS_sendfile, fd, from, offset, bytes)); });
}
ssize_t sendfile64(int fd, int from, off_t* offset, size_t bytes) __attribute__((alias("sendfile")));

int fsync(int fd) { return sync_by(SYS_fsync, fd); }
int fdatasync(int fd) { return sync_by(SYS_fdatasync, fd); }

int ftruncate(int fd, off_t to) noexcept { return truncate_file(fd, to); }
int ftruncate64(int fd, off_t to) noexcept __attribute__((alias("ftruncate")));
int truncate(const char* path, off_t to) noexcept {
  const int fd = open_at(AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int done = truncate_file(fd, to);
  ::close(fd);
  return done;
}
int truncate64(const char* path, off_t to) noexcept __attribute__((alias("truncate")));

int rename(const char* from, const char* to) noexcept { return rename_at(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int at, const char* from, int other, const char* to) noexcept { return rename_at(at, from, other, to, 0); }
int renameat2(int at, const char* from, int other, const char* to, unsigned flags) noexcept {
  return rename_at(at, from, other, to, flags);
}

int unlink(const char* path) noexcept { return unlink_at(AT_FDCWD, path, 0); }
int unlinkat(int directory, const char* path, int flags) noexcept { return unlink_at(directory, path, flags); }
int rmdir(const char* path) noexcept { return unlink_at(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char* path) noexcept {
  const int done = unlink_at(AT_FDCWD, path, 0);
  return done < 0 && errno == EISDIR ? unlink_at(AT_FDCWD, path, AT_REMOVEDIR) : done;
}

int link(const char* from, const char* to) noexcept { return link_at(AT_FDCWD, from, AT_FDCWD, to, 0); }
int linkat(int at, const char* from, int other, const char* to, int flags) noexcept {
  return link_at(at, from, other, to, flags);
}
int mkdir(const char* path, mode_t mode) noexcept { return make_directory(AT_FDCWD, path, mode); }
int mkdirat(int directory, const char* path, mode_t mode) noexcept { return make_directory(directory, path, mode); }

/// The server speaks to its children over sequenced-packet sockets, and to nobody else.
ssize_t sendmsg(int fd, const msghdr* what, int flags) {
  const auto real = [&] { return static_cast<ssize_t>(kernel(SYS_sendmsg, fd, what, flags)); };
  int type = 0;
  socklen_t bytes = sizeof type;
  if (memory() == nullptr || ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &bytes) != 0 || type != SOCK_SEQPACKET)
    return real();
  return carry_out(call::send, file_class::child, real);
}

}  // extern "C"
// NOLINTEND
