#pragma once
// The rules in force: who may take what from where, how fast and until when. One immutable object, made from
// `governance.toml` and its cohort files whole or not at all, and shared between threads as std::shared_ptr<const
// rules>. conf/README.md describes the file; rules_queries.hpp asks questions of it.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/cohort.hpp"
#include "conf/fault.hpp"
#include "conf/tls_files.hpp"

namespace penstock::conf {

// Limits of the file. What exceeds one is a fault.
inline constexpr std::size_t max_rules_bytes = 4 << 20;
inline constexpr std::size_t max_institutions = 256;
inline constexpr std::size_t max_pacs = 256;
inline constexpr std::size_t max_windows_per_pacs = 32;
inline constexpr std::size_t max_issuers_per_pacs = 32;
inline constexpr std::size_t max_users = 10'000;
inline constexpr std::size_t max_keys_per_user = 16;
inline constexpr std::size_t max_projects = 1'000;
inline constexpr std::size_t max_members_per_project = 1'000;
inline constexpr std::size_t max_reserved_sections = 64;  ///< of `source` and of `destination` each
inline constexpr std::uint32_t max_weight = 100;
inline constexpr std::uint32_t max_starts_per_day = 200'000;  ///< what the log of starts must be able to hold

/// What a PACS allows while one of its windows is in force. An absent rate is no limit of that length.
struct window_limits {
  std::uint32_t concurrent = 0;             ///< retrievals in flight; 0 = nothing starts
  std::optional<std::uint32_t> per_minute;  ///< starts in any 60 s
  std::optional<std::uint32_t> per_hour;    ///< starts in any 3,600 s
  std::optional<std::uint32_t> per_day;     ///< starts in any 86,400 s
  bool abort = false;                       ///< with concurrent = 0: running retrievals are aborted when it begins

  bool operator==(const window_limits&) const = default;
};

/// A stretch of the civil week. `from_minute` >= `to_minute` runs over midnight and belongs to the day it begins on.
struct window {
  std::string name;
  std::uint8_t days = 0x7f;        ///< bit 0 = Monday ... bit 6 = Sunday
  std::uint16_t from_minute = 0;   ///< minutes after local midnight, 0 to 1439
  std::uint16_t to_minute = 1440;  ///< exclusive, 1 to 1440
  window_limits limits;

  bool operator==(const window&) const = default;
};

enum class retrieve_method : std::uint8_t { move, get };

/// A regular expression (ECMAScript without back-references) that one kind of MRN matches whole; matching takes time
/// polynomial in the input whatever the expression.
class mrn_pattern {
 public:
  /// Nothing when `text` is no such expression.
  [[nodiscard]] static std::optional<mrn_pattern> compile(const std::string& text);
  [[nodiscard]] bool matches(std::string_view mrn) const;
  [[nodiscard]] const std::string& text() const { return text_; }
  bool operator==(const mrn_pattern& other) const { return text_ == other.text_; }

 private:
  struct compiled;
  std::string text_;
  std::shared_ptr<const compiled> compiled_;
};

/// One issuer whose MRNs a PACS holds. A value that matches `pattern` is taken to be of `issuer`.
struct mrn_rule {
  mrn_pattern pattern;
  std::string issuer;           ///< as in the cohort files; may be empty
  std::uint32_t input_pad = 0;  ///< digits typed by people are padded with zeros at the left to so many

  bool operator==(const mrn_rule&) const = default;
};

struct institution {
  std::string id;
  std::string name;

  bool operator==(const institution&) const = default;
};

/// When a PACS is left alone for a while.
struct breaker_limits {
  std::uint32_t failures_in_a_row = 5;            ///< of retrievals, each for what is not the fault of its study
  std::chrono::milliseconds slowest_echo{3'000};  ///< a C-ECHO that takes longer
  std::chrono::milliseconds first_probe{5'000};   ///< between a trip and its first probe; doubled after each in vain
  std::chrono::milliseconds longest_probe{300'000};
  std::chrono::milliseconds watch{60'000};  ///< so often a PACS in use is asked how it is

  bool operator==(const breaker_limits&) const = default;
};

struct pacs {
  std::string id;
  std::string institution;
  std::string department;
  std::string ae_title;
  std::string host;
  std::uint16_t port = 104;
  std::string calling_ae = "PENSTOCK";  ///< ours, also the move destination
  retrieve_method retrieve = retrieve_method::move;
  std::optional<tls_files> tls;  ///< none = plain TCP
  std::vector<mrn_rule> mrn;     ///< first that matches wins
  std::uint32_t max_studies_per_patient = 200;
  std::string default_charset = "ISO_IR 100";  ///< a Specific Character Set, for answers that name none
  std::uint32_t find_per_minute = 60;
  std::uint32_t enumerate_per_minute = 120;
  std::chrono::milliseconds idle_timeout{120'000};
  std::chrono::milliseconds lease_quiet{30'000};
  std::chrono::milliseconds total_timeout{7'200'000};
  breaker_limits breaker;
  std::string timezone;         ///< IANA name; that of the file unless its own is given
  std::vector<window> windows;  ///< first that matches wins; none that matches = closed

  bool operator==(const pacs&) const = default;
};

enum class user_role : std::uint8_t { researcher, admin, auditor };

struct user {
  std::string id;
  std::string name;
  std::vector<std::string> keys;  ///< CURVE public keys, Z85, 40 characters
  std::vector<user_role> roles;
  std::optional<std::chrono::year_month_day> training_valid_through;  ///< last day

  bool operator==(const user&) const = default;
};

enum class legal_basis : std::uint8_t { waiver, authorization, limited_data_set, preparatory, decedents };

struct project {
  std::string id;
  std::string title;
  std::string irb;
  std::optional<std::chrono::year_month_day> valid_through;  ///< last day; nothing = no_continuing_review
  legal_basis basis = legal_basis::waiver;
  std::vector<std::string> members;  ///< ids of users
  std::vector<std::string> pacs;     ///< ids of PACS
  std::filesystem::path patients_file;
  std::shared_ptr<const cohort> patients;  ///< never null in rules that were loaded
  std::uint64_t cache_quota_bytes = 0;
  std::uint32_t weight = 1;
  std::optional<std::chrono::milliseconds> retention;  ///< after last access; nothing = kept until deleted

  /// By content: cohorts are compared patient by patient.
  bool operator==(const project& other) const;
};

/// `[source.NAME]` or `[destination.NAME]`: kept as written, without effect yet.
struct reserved_section {
  std::string toml;

  bool operator==(const reserved_section&) const = default;
};

struct rules {
  std::string timezone;  ///< IANA name
  bool require_training = false;
  std::map<std::string, institution, std::less<>> institutions;
  std::map<std::string, conf::pacs, std::less<>> pacs;
  std::map<std::string, user, std::less<>> users;
  std::map<std::string, project, std::less<>> projects;
  std::map<std::string, reserved_section, std::less<>> sources;
  std::map<std::string, reserved_section, std::less<>> destinations;
  std::filesystem::path file;
  std::string toml_text;  ///< the file as read, for whoever hashes or shows it
};

using rules_ptr = std::shared_ptr<const rules>;

/// Reads the rules file and the cohort files that it names. All faults of all files at once, or the rules; no state of
/// the process changes. Relative paths are relative to the directory of `file`.
[[nodiscard]] loaded<rules_ptr> load_rules(const std::filesystem::path& file);

/// The same with the text of the rules file from memory (a file proposed for checking); cohort files are still read.
[[nodiscard]] loaded<rules_ptr> parse_rules(std::string_view toml, const std::filesystem::path& name);

/// "researcher", "limited-data-set", "move": as the file spells them.
[[nodiscard]] std::string_view name_of(user_role role);
[[nodiscard]] std::string_view name_of(legal_basis basis);
[[nodiscard]] std::string_view name_of(retrieve_method method);

}  // namespace penstock::conf
